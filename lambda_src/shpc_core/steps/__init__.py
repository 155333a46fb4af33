"""The steps of a job: each a function of buckets and a typed request that gives a typed answer."""
