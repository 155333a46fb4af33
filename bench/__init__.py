"""Measurements: ratios against a reference timed in the same run. Nothing here is a test."""
