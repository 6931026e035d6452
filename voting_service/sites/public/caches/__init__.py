"""Prepared bytes: pages, profiles, images."""
