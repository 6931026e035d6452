"""Forensics: finds campaigns of fraud in a file of ballots. Only its reader and writers do I/O."""
