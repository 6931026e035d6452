"""One file per platform kind; `platform_adapter.py` describes its interface."""
