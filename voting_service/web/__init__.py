"""What both faces share: addresses, bodies, errors, files, languages. Knows no page."""
