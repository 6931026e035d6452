"""Printed documents of the nomination: plain values in, PDF bytes out.

The same values give the same bytes. A character without a glyph raises MissingGlyphs before
typesetting starts. Every renderer blocks: on an event loop call it through
`typesetting.compiler.in_background`. Pictures are encoded again, so that a document holds nothing
of them but their pixels.
"""
