"""Self-paced prompts for reinforcement learning: pass rates, and a sampler that uses them.

These parts are for any trainer that samples several completions of a prompt; ``selfpaced.trl``
combines them for TRL.
"""

from selfpaced._public import publish
from selfpaced.prompts._band import Band
from selfpaced.prompts._pass_rates import AsyncPassRates, PassRates
from selfpaced.prompts._sampler import PromptSampler

__all__ = ["AsyncPassRates", "Band", "PassRates", "PromptSampler"]

publish(__name__)
