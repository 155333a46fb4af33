"""Trains the classifier with TensorFlow and converts it to the file that the functions serve.

Runs where TensorFlow is installed; no function imports this package and no image contains it.
"""
