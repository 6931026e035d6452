"""The vote: voters, ballots, tally, rulings, cut, replay."""
