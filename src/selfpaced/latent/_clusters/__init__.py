"""Clusters of data with outliers.

``kmeans.py`` has ``SelfPacedKMeans`` and what the other two share with it, ``mixture.py`` has
``SelfPacedGaussianMixture``, and ``views.py`` has ``MultiViewSelfPacedClustering``. Each file holds
the latent model of its estimator, too.
"""
