"""Numbers in addresses: no more digits than any of ours has."""

from __future__ import annotations

from starlette.convertors import IntegerConvertor, register_url_convertor


class BoundedInteger(IntegerConvertor):
    """In place of Starlette's: what is over fits no integer column, and thousands of digits no
    `int` (CPython's limit), so both would be failures of ours and not simply no address."""

    regex = "[0-9]{1,9}"


register_url_convertor("int", BoundedInteger())
