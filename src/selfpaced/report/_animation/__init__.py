"""A training as a moving picture."""
