"""The user's side: uploads input, submits a job, fetches and checks results, writes the report.

It knows a deployment by its stacks' outputs alone, so it is the same for AWS and the embedded
cloud. It refuses to know how the stacks are built: of this project it imports `shpc_core` only.
"""
