"""Printed documents of the nomination: plain values in, PDF bytes out.

The same values give the same bytes. A character that no font has leaves a
gap for handwriting. Every renderer blocks: on an event loop call it through
`typesetting.compiler.in_background`. Pictures are encoded again, so that a document holds nothing
of them but their pixels.
"""
