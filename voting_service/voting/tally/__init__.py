"""Counting: ⑦ live counters, ⑧ standings, their reconciliation, recounts and exports."""
