"""The one object with state, and what it is made of."""
