"""Animations of a training.

``animate`` holds the public functions and ``frames`` checks their arguments. ``scene`` draws a
frame with the artists of ``marks``, and ``film`` writes all frames to a file.
"""
