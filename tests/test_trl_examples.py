"""TRL's example program and the self-paced one: a few lines differ, and the result is better."""

import re
from collections.abc import Callable

AddedLines = Callable[[str, str], list[str]]


def test_the_self_paced_program_differs_by_a_few_lines(added_lines: AddedLines) -> None:
    ours = added_lines("trl_grpo_plain.py", "trl_grpo.py")
    removed = added_lines("trl_grpo.py", "trl_grpo_plain.py")
    assert len(ours) <= 8
    assert len(ours) - len(removed) <= 4


def test_the_example_gets_better_and_finds_wrong_answer_keys(
    run_example: Callable[..., str],
) -> None:
    printed = run_example("trl_grpo.py", strict=False)  # TRL warns of itself
    before, after = map(float, re.findall(r"([0-9.]+)% (?:before|after)", printed))
    assert after > before + 5
    wrong = int(re.findall(r"suspects: (\d+)%", printed)[0])
    assert wrong >= 50  # 10 at random
