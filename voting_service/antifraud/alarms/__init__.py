"""Alarms about bursts of votes, raised while voting is open."""
