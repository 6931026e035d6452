"""What all sites look like: design tokens, components, and the reader's choice of size and theme.

`static/look.css` holds both; `/console/components` of the demo shows them.
"""

LOOK = __name__
"""The package whose templates (`look/…`) and static files every site has."""
