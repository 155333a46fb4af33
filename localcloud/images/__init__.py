"""Container images without a container engine: what an image says becomes a folder and a Python.

The host's Python runs the functions, whatever version the image's base names; everything else
that the accepted Dockerfile subset can say (files, pinned requirements, variables, handler) holds
as in the image.
"""
