"""The office's face: from recommendation to the fifty, and from the thirty to ten and ten."""
