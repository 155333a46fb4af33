"""CloudFormation by CDK: stacks compose, components decide, checks verify."""
