"""The labels: which are missing, what they are, and those of several annotators."""
