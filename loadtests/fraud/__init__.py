"""The simulator with labelled truth and the fraud benchmark; see README.md."""
