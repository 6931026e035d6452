"""Objections that people make online: to the outcome of a contest, or to a public notice."""
