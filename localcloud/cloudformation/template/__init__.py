"""Reading templates: text to declarations, parameters, intrinsic functions, rules.

Nothing in this package calls a service or changes a stack.
"""
