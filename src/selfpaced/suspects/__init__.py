"""Judge the labels of a run.

The results are the probability that each label is wrong, the number of wrong labels, and the class
that was probably meant. ``Judge`` reads the losses of one training, in which the model learns the
labels that it judges. ``judge_held_out`` reads the probabilities of models that did not learn them.
``consensus`` finds the labels of samples that several annotators labelled.
"""

from selfpaced._public import publish
from selfpaced.suspects._consensus import Consensus, consensus
from selfpaced.suspects._held_out import HeldOut, Learned, judge_held_out
from selfpaced.suspects._judge import Count, Judge, Judgement, confusion

__all__ = [
    "Consensus",
    "Count",
    "HeldOut",
    "Judge",
    "Judgement",
    "Learned",
    "confusion",
    "consensus",
    "judge_held_out",
]

publish(__name__)
