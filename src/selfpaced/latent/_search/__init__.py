"""The alternating search over parameters w, latent values h and sample weights v.

``search.py`` has the settings, ``run.py`` the rounds of a search and its result, ``weights.py`` the
step from losses to weights, ``model.py`` what a model must provide, and ``starts.py`` several
searches from several starts.
"""
