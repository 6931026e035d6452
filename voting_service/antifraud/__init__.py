"""Screening: pure decisions over signals. What is stored and asked lives in ballots/."""
