"""A small CloudFormation: deploys, updates, rolls back and deletes stacks on the embedded cloud.

It models what it models and refuses everything else by name; see `resources/catalogue.py` for the
resource types.
"""

from localcloud.cloudformation.service import CloudFormationService

__all__ = ["CloudFormationService"]
