"""Stage settings: what differs between dev and prod, validated before any construct exists."""
