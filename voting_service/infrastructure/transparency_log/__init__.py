"""Transparency logs: Merkle trees (RFC 6962) and the C2SP formats for tiles, notes, checkpoints,
cosignatures and proofs. No I/O; knows nothing of votes."""
