"""What is written to disk, and how: whole or not at all, with its own digest, in one canonical form."""
