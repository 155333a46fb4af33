"""What the jobs API knows of jobs besides their executions; it opens no client of its own."""
