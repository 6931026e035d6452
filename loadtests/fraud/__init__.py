"""The simulator with labelled truth and the fraud benchmark; README.md says how they are used."""
