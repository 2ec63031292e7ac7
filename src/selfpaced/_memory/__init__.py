"""The memory of a run.

``ledger.py`` has the rows of all samples, by dataset index; ``ring.py`` the last losses of a run
without indices; ``dynamics.py`` what logits tell about a sample; ``features.py`` the features of
samples, and ``leave_one_out.py`` what a classifier on them that did not see a label says of it;
``columns.py`` reads and writes rows; ``merge.py`` merges the memories of all ranks.
"""
