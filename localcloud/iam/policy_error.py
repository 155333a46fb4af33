"""What is wrong with a policy document."""

from __future__ import annotations


class PolicyError(ValueError):
    """A policy says something that AWS does not document; the message names it."""
