"""From samples to features: the numbers that a model learns from."""
