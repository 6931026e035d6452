"""Protection of the vote against fraud: screening, challenges, alarms, forensics."""
