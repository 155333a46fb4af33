"""The job as one self-contained HTML page: figures as values (modules), drawn by templates."""
