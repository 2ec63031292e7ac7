"""The training of an audit.

``training`` trains a network and ``estimators`` trains scikit-learn models, both self-paced. They
use ``aims`` (the loss), ``batches`` (the data), ``machine`` (device and processes), ``networks``
and ``ensembles`` (the models). ``trained`` is the finished model.
"""
