"""From what was read to numbers that a model learns from."""
