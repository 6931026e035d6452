"""The pages of recommending bodies and their officers."""
