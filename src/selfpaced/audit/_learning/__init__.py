"""The training of an audit: what is learned, from which batches, where, and by which model."""
