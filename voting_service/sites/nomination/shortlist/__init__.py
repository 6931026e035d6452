"""Pages of the shortlist: choice, draw, profiles, public notice and objections."""
