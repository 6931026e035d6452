"""PDF documents from Typst templates, with a common design and embedded fonts."""
