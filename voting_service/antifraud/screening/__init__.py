"""The screening of a vote: pure decisions over signals. Storage and calls are in voting/ballots."""
