"""Samples that belong together: copies, nearly equal ones, and groups."""
