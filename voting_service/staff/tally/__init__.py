"""The live tally: every figure opens to what it is made of, down to the ballots."""
