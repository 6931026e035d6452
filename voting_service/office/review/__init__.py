"""The joint office reads, returns, accepts and rejects what was recommended."""
