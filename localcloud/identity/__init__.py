"""Who calls the embedded cloud: the identity behind a request's signature."""
