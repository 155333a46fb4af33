"""An AWS account on this machine: moto's services, our CloudFormation, functions in processes.

Nothing imports this package but the Makefile's targets and the tests; a deployment to AWS never
sees it.
"""
