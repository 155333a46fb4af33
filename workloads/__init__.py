"""The platform-neutral catalogue: what each function is and needs."""
