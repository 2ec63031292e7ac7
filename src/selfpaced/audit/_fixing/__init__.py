"""Corrected copies of a user's data, and where the changes come from."""

from enum import StrEnum


class Use(StrEnum):
    """Where changes come from: the review, suspects.csv, or the suggestions for all suspects."""

    REVIEW = "review"
    SUSPECTS = "suspects"
    SUGGESTIONS = "suggestions"
