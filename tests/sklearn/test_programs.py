"""The scikit-learn examples: a few lines more than the plain one, and a better score."""

import re
from collections.abc import Callable

RunExample = Callable[[str], str]


def accuracy(printed: str) -> float:
    """The accuracy in per cent that a program prints."""
    found = re.search(r"accuracy ([0-9.]+)%", printed)
    assert found is not None
    return float(found[1])


def mislabeled(printed: str) -> int:
    """How many per cent of the first suspects are mislabeled, as a program prints."""
    return int(printed.split("suspects ")[1].split("%")[0])


def test_one_changed_line_makes_the_example_better(
    run_example: RunExample, added_lines: Callable[[str, str], list[str]]
) -> None:
    plain = accuracy(run_example("sklearn_plain.py"))
    printed = run_example("sklearn_classifier.py")
    assert accuracy(printed) > plain + 8
    assert mislabeled(printed) >= 95
    _, *added = added_lines("sklearn_plain.py", "sklearn_classifier.py")  # the docstring differs
    removed = added_lines("sklearn_classifier.py", "sklearn_plain.py")
    assert len(removed) == 1
    assert len(added) <= 8
    doing = [line for line in added if "import" not in line and "print" not in line]
    assert [line for line in doing if line] == ["model = SelfPacedClassifier(model)"]


def test_a_search_on_dask_finds_that_self_paced_is_better(run_example: RunExample) -> None:
    printed = run_example("sklearn_dask.py")
    assert "best age Auto(" in printed
    assert accuracy(printed) > 90 and mislabeled(printed) >= 95
