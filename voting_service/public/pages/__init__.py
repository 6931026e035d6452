"""The citizen's pages: rendered on the server, in Chinese and English, usable without scripts.

Pages that are the same for everybody are prepared as bytes (`book.py`); what belongs to one
visitor (ballot, receipt) is rendered for the request.
"""
