"""The alternating search over w, h and v."""
