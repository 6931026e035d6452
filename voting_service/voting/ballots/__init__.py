"""Casting: ① parse, ③ admit, ④ decide (asked of antifraud), ⑤ commit, ⑥ receipt."""
