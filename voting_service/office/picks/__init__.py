"""From those who were accepted to the vote: the choice of two people, the draw of the numbers,
what becomes public, the notice with its objections, the hand-over."""
