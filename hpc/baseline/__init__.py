"""The same job on virtual machines: plan here, an array job on AWS Batch, reduce here, compare.

It needs the storage and baseline stacks alone; functions are asked for only where a serverless job
is named to compare with.
"""
