"""What is kept, how long, and how it moves: new keys, erasure, archives. For the tables' owner."""
