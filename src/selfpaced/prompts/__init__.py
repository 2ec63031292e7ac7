"""Prompts whose completions are rewarded: how often they are solved, and which come next.

For any trainer that samples several completions of a prompt; ``selfpaced.trl`` puts them together.
"""

from selfpaced._public import publish
from selfpaced.prompts._band import Band
from selfpaced.prompts._pass_rates import AsyncPassRates, PassRates
from selfpaced.prompts._sampler import PromptSampler

__all__ = ["AsyncPassRates", "Band", "PassRates", "PromptSampler"]

publish(__name__)
