"""Corrections of profiles and withdrawals of candidates, each by two people."""
