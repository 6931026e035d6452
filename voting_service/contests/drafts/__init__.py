"""Contests that are set up on the console and are not public yet."""
