"""⑪ The cut: rank, decide a tie, sign, publish with two people."""
