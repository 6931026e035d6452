"""Recommendations of districts and departments: drafts, submissions, receipts, late exceptions."""
