"""Multiple-instance learning: bags have labels, their instances have none."""
