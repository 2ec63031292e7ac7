"""Trained models as plain data: text and numbers, which run no code when they are read.

``pack`` turns a model into them and back, ``classes`` lists all classes that it knows, and
``trees`` turns decision trees into numbers.
"""
