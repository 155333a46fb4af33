"""Constructs that each make one decision once: encryption, roles, retries, retention."""
