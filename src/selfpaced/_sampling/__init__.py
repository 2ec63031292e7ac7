"""Which samples an epoch visits, in which order, and datasets that say which sample is which."""
