"""``Pacer`` and its parts.

Start with ``pacer.py``, the class. ``checks.py`` checks its settings and ``batch.py`` its batches;
``reduction.py`` turns weighted losses into a scalar; ``history.py`` has the table of steps, and
``state.py`` the checkpoints.
"""
