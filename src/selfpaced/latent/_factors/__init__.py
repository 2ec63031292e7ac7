"""Matrix factorisation of ratings, some of which are wrong.

``estimator.py`` has ``SelfPacedFactorisation``, ``model.py`` the alternating least squares, and
``ratings.py`` the reading of matrices and pairs.
"""
