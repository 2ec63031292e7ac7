"""Claims about the list of packages with hashes."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
LOCKED = next(ROOT.glob(".ci/locked-*.txt"))


def versions(path: Path) -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", path.read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins}


def test_the_list_has_the_versions_of_the_constraints() -> None:
    locked, wanted = versions(LOCKED), versions(ROOT / "constraints.txt")
    differ = {name for name in locked.keys() & wanted.keys() if locked[name] != wanted[name]}
    assert not differ, f"run `make locked`: {differ}"
    builders = {"pip", "hatchling", "editables", "trove-classifiers"}
    assert locked.keys() - wanted.keys() <= builders


def test_each_package_has_a_hash() -> None:
    lines = [line for line in LOCKED.read_text().splitlines() if not line.startswith("#")]
    for pin, digest in zip(lines[::2], lines[1::2], strict=True):
        assert re.fullmatch(r"[\w.-]+==[\w.+]+ \\", pin), pin
        assert re.fullmatch(r" {4}--hash=sha256:[0-9a-f]{64}", digest), pin


def test_a_report_of_pip_becomes_pins_with_hashes() -> None:
    file = {"archive_info": {"hashes": {"sha256": "ab"}}}
    report = [
        {"metadata": {"name": "b", "version": "2"}, "download_info": file},
        {"metadata": {"name": "own", "version": "1"}, "download_info": {"dir_info": {}}},
        {"metadata": {"name": "A", "version": "1+cpu"}, "download_info": file},
    ]
    result = subprocess.run(
        [sys.executable, ROOT / ".ci/lock.py"],
        input=json.dumps({"install": report}),
        capture_output=True,
        text=True,
        check=True,
    )
    pins = [line for line in result.stdout.splitlines() if not line.startswith("#")]
    assert pins == ["A==1+cpu \\", "    --hash=sha256:ab", "b==2 \\", "    --hash=sha256:ab"]


@pytest.fixture
def advisories() -> ModuleType:
    """Return the program that checks for advisories."""
    spec = importlib.util.spec_from_file_location("advisories", ROOT / ".ci/advisories.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("known", "said", "code"),
    [
        ({"skip_reason": "no such package"}, "not checked, as the registry here serves none", None),
        ({"vulns": []}, "0 of 2 packages have some", 0),
        ({"vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]}, "numpy 2: CVE-1, CVE-2", 1),
    ],
)
def test_a_known_advisory_fails_and_no_answer_is_said(
    advisories: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    known: dict[str, object],
    said: str,
    code: int | None,
) -> None:
    asked: list[list[str]] = []

    def audited(pins: list[str]) -> list[dict[str, object]]:
        asked.append(pins)
        first = {"name": "numpy", "version": "2", **known}
        return (
            [first] if len(pins) == 1 else [first, {"name": "torch", "version": "2", "vulns": []}]
        )

    monkeypatch.setattr(advisories, "audited", audited)
    (tmp_path / "locked.txt").write_text("# a==1\nnumpy==2 \\\n    --hash=x\ntorch==2+cpu \\\n")
    left: int | None = None
    try:
        advisories.main(tmp_path / "locked.txt")
    except SystemExit as end:
        left = end.code  # type: ignore[assignment]  # an int here
    assert left == code and said in capsys.readouterr().out
    assert asked == [["numpy==2"]] + ([["numpy==2", "torch==2"]] if code is not None else [])
