"""What staff take away as files: streamed, however large, and every one in the journal."""
