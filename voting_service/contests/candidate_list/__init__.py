"""Candidates in a spreadsheet, and the folder of their pictures."""
