"""Clusters among outliers: k-means, Gaussian mixtures, and several views."""
