"""What the office prints. Pure: plain values in, PDF bytes out.

The same values give the same bytes. A character without a glyph raises MissingGlyphs before
anything is set. All of it blocks: on an event loop go through
`typesetting.compile.in_background`. Pictures are encoded anew, so that nothing but their pixels
reaches a document.
"""
