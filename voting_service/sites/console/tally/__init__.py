"""The live tally: every figure leads to what it is made of, down to the ballots."""
