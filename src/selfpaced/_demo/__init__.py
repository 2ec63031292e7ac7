"""Small experiments that show what the library does, from ordinary data."""
