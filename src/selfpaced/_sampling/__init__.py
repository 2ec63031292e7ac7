"""Data of a training loop.

``indexed.py`` has the dataset whose items carry their index, ``paced.py`` the sampler that visits
what the pacer keeps, ``order.py`` the functions that draw its orders, and ``drawn.py`` reads one
from a checkpoint.
"""
