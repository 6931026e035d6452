"""Languages: catalogues of texts; numbers and times as people write them."""
