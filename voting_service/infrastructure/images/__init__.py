"""Decoding, stripping and encoding pictures."""
