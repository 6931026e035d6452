"""The console: tallies, rulings, publication, exports, settings, audit log, accounts."""
