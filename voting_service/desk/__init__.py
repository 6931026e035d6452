"""What every page for staff stands on: access, forms, rendering, errors. Knows no page."""
