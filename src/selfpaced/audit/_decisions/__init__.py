"""What people decided about the labels of a run."""
