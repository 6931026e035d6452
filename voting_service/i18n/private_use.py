"""Characters that old identity card readers, input methods and fonts keep in the private-use area.

GB 18030-2000, and GBK before it, gave characters that Unicode had not yet encoded a place of its
private-use area: 80 of them in one row, FE50 to FEA0. GB 18030-2005 and -2022 name the code points
that they have had since. Python's codec knows most of them, `_LATER` has the 14 that it leaves
where they were (the index "gb18030" of WHATWG's Encoding Standard has the same), `_OTHER_ROWS` the
vertical punctuation, two letters and the description characters of other rows. A private code
point means nothing without its font, so whatever comes in is mapped at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_FIRST = 0xE815
_ROW = [bytes((0xFE, trail)) for trail in range(0x50, 0xA1) if trail != 0x7F]
_LATER = {
    **{0xE816: 0x20087, 0xE817: 0x20089, 0xE818: 0x200CC, 0xE81E: 0x9FB4, 0xE826: 0x9FB5},
    **{0xE82B: 0x9FB6, 0xE82C: 0x9FB7, 0xE831: 0x215D7, 0xE832: 0x9FB8, 0xE83B: 0x2298F},
    **{0xE843: 0x9FB9, 0xE854: 0x9FBA, 0xE855: 0x241FE, 0xE864: 0x9FBB},
}
_OTHER_ROWS = {
    **{0xE76C: 0x20AC, 0xE7C7: 0x1E3F, 0xE7C8: 0x01F9, 0xE7E7: 0x303E},
    **{0xE7E8 + place: 0x2FF0 + place for place in range(12)},
    **{0xE78D: 0xFE10, 0xE78E: 0xFE12, 0xE78F: 0xFE11},
    **{0xE790 + place: 0xFE13 + place for place in range(7)},
}

ENCODED_SINCE: Mapping[int, int] = MappingProxyType(
    {_FIRST + place: ord(code.decode("gb18030")) for place, code in enumerate(_ROW)}
    | _LATER
    | _OTHER_ROWS
)
"""Today's code point of each private one."""


def map_private_use(text: str) -> str:
    """Return the text with today's characters instead of private ones; private ones that nobody
    defined stay as they are."""
    return text if text.isascii() else text.translate(ENCODED_SINCE)
