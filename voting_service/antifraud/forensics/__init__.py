"""Campaigns found after the fact, in any file of ballots; pure but for the reader and writers."""
