"""Matrix factorisation of ratings, some of which are wrong."""
