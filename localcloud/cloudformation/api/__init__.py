"""The CloudFormation API: the query protocol, and one function per action."""
