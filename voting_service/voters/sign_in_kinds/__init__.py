"""One file a kind of platform; `sign_in_kind.py` says what such a file holds."""
