"""Examination of uploaded files: each is accepted, or rejected with a reason.

`sandbox.py` is the entry point: it runs `examiner_process.py` in a separate process. In that
process `evidence.py` decides by the kind of file, `pdf.py`, `docx.py` and `photo.py` examine the
content. `docx_pages.py` counts the pages of a Word file by typesetting it, in the parent.
"""
