"""The expert panel: who judges, by which rules, sealed scores, and what follows from them."""
