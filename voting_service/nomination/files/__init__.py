"""Examination of uploaded files: each is accepted and made into what is stored, or rejected with a
reason.

`sandbox.py` is the entry point, `isolation.py` the process that it examines in. `kinds.py` tells
the kind of a file by its content. `word.py` turns a Word file into a PDF: `word_cleaner.py`, a
process without rights, writes it again with only what it prints (`docx.py`), and `libreoffice.py`
lays that out. Then `examiner_process.py`, another process without rights, does the rest: `pdf.py`
repairs, strips and checks PDFs, `pictures.py` decodes pictures, `evidence.py` joins the pages of
several files to one PDF, `photo.py` crops a photo.
"""
