"""The files of a recommendation: examined in a process of their own, accepted or refused with why.

`sandbox.py` is what the pages call. Everything else computes on bytes alone and is what runs in
that process: `evidence.py` decides by kind, `pdf.py` and `word.py` look inside.
"""
