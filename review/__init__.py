"""What a reviewer wants to know of a stage, read from its templates and from nothing else."""
