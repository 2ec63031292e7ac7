"""What a run remembers of each sample, and of a stream without indices."""
