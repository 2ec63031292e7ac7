"""Small experiments that show what the library does; the commands print and draw them.

``digits``, ``digits_files`` and ``verdict`` are ``selfpaced demo digits``, with wrong labels of
``noise``. ``blobs`` and ``blobs_story`` are ``selfpaced demo blobs``. ``latent``, ``sequences`` and
``latent_paper`` are ``selfpaced latent``.
"""
