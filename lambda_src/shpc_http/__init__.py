"""How functions read HTTP API events and answer them; the science knows nothing of either."""
