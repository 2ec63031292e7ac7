"""A page on this machine on which people decide about the labels of a run; needs ``review``."""
