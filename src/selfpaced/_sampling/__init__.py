"""Data of a training loop.

``indexed.py`` has the dataset whose items carry their index, ``paced.py`` the sampler that visits
what the pacer keeps, and ``order.py`` the functions that draw its orders.
"""
