"""Corrected copies of a user's table."""
