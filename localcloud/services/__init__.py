"""What moto's services lack or get wrong for a cloud that people deploy to: one module each.

A repair is a `Patch` with its reason (`patches`); an operation that moto has not at all is answered
by a module of its own.
"""
