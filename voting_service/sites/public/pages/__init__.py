"""The public pages: rendered on the server, in Chinese and English, usable without scripts.

Pages that are the same for everyone are prepared as bytes (`caches/pages.py`); ballot and receipt
are rendered for each request.
"""
