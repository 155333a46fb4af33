"""Resource types: one handler each, calling the service's own API through boto3."""
