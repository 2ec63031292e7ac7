"""The folder of a run.

``files`` names every file and protects the folder, and ``write`` fills it: with the ``model``, the
``tables``, the ``pictures`` and the page ``summary``. ``checkpoint`` saves an unfinished training.
"""
