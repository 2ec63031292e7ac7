"""The samples of a run to look at, and the report that shows them."""
