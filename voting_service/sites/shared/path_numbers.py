"""Numbers in addresses, with a limit on their digits."""

from __future__ import annotations

from starlette.convertors import IntegerConvertor, register_url_convertor


class BoundedInteger(IntegerConvertor):
    """Replaces Starlette's convertor: a larger number fits no integer column, and thousands of
    digits exceed CPython's limit for `int`. Such an address is a 404."""

    regex = "[0-9]{1,9}"


register_url_convertor("int", BoundedInteger())
