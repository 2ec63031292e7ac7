"""Multiple-instance learning: bags of instances, of which only the bags have labels.

``estimators.py`` has ``MISVM`` and ``miSVM``, ``models.py`` their latent models, ``hinge.py`` the
linear SVM that both fit, and ``bags.py`` the reading of bags.
"""
