"""The expert panel: experts and conflicts of interest, rules, secret scores, and the outcome."""
