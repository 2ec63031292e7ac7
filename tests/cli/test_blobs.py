from pathlib import Path

from typer.testing import CliRunner, Result

from selfpaced._cli import app


def run(*arguments: str, **seen: str) -> Result:
    return CliRunner().invoke(app, ["demo", "blobs", *arguments], env={"COLUMNS": "100", **seen})


def test_the_demo_writes_three_animations_and_says_what_they_show(tmp_path: Path) -> None:
    result = run("--samples", "600", "--epochs", "2", "-o", str(tmp_path / "new"))
    assert result.exit_code == 0, result.output
    written = {path.name for path in (tmp_path / "new").glob("*.gif")}
    assert written == {"easy_first.gif", "hard_first.gif", "anomalies.gif"}
    assert all(name in result.stdout for name in written)
    for words in ("easy first", "all at once", "random order", "hard first", "are left out"):
        assert words in result.stdout
    assert max(len(line) for line in result.stdout.splitlines() if "new" not in line) <= 100


def test_a_terminal_shows_bars(tmp_path: Path) -> None:
    result = run("--samples", "200", "--epochs", "1", "-o", str(tmp_path), FORCE_COLOR="1")
    assert result.exit_code == 0, result.output
    assert "━━" in result.stdout and "easy_first.gif" in result.stdout


def test_an_output_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    result = run("-o", str(tmp_path / "taken"))
    assert result.exit_code == 1
    assert result.stderr.startswith("--output: cannot make the folder")
    assert result.stderr.count("\n") == 1
    assert (tmp_path / "taken").read_text() == "mine"


def test_too_few_points_are_refused() -> None:
    result = run("--samples", "10")
    assert result.exit_code == 2
    assert "100" in result.stderr
