"""Printed documents: PDF from Typst templates, in the look of the house, with fonts embedded."""
