"""The face for staff: tallies, rulings, publication, journal, accounts."""
