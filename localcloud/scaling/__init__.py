"""Application Auto Scaling of provisioned concurrency: by its utilisation, and by schedule."""
