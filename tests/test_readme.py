"""Every Python block of the README runs, in order, in one namespace."""

import re
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_readme_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) >= 2
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)


def test_the_loop_stands_within_the_first_fifteen_lines() -> None:
    assert "pacer.step()" in "\n".join(README.splitlines()[:15])
