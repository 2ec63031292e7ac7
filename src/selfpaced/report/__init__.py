"""Pictures of a run; needs the extra ``report``."""
