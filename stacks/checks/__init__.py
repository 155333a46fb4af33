"""Rules that every synthesis must pass."""
