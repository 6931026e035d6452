"""What both faces share: addresses, bodies, errors, files, languages. Knows no page."""

# Before any route is made: whoever has routes imports something from here.
from voting_service.web import path_numbers as path_numbers
