"""Stacks and what happens to them: validation, planning, deployment, rollback, deletion."""
