"""The expert panel: experts and conflicts of interest, rules, sealed scores, and the outcome."""
