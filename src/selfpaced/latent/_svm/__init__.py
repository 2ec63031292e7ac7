"""The latent structural SVM.

``estimator.py`` has ``LatentSVM``; ``structure.py`` the base class of a problem, and
``one_by_one.py`` its variant for one sample at a time. ``margin.py`` makes a problem a latent model
for the search, and ``cutting_plane.py`` solves its convex step.
"""
