"""What all sites share: client addresses, request bodies, errors, static files, health."""

# Before any route is made: every module with routes imports something from here.
from voting_service.sites.shared import path_numbers as path_numbers
