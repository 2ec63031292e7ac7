"""Claims about settings in messages: the library writes ``label=...``, a command ``--label``."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main

import selfpaced
from selfpaced._cli import app
from selfpaced._cli.flags import NUMERIC, OTHERS, SETTINGS, SWITCHES, in_flags
from selfpaced.audit import Options, read
from selfpaced.audit._plan import Plan

Say = Callable[..., str]

AUDIT = Path(selfpaced.__file__).parent / "audit"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Pass label=... with one of a, b.", "Pass --label with one of a, b."),
        ("label=...: no column 'x'.", "--label: no column 'x'."),
        ("Lower it (learning_rate=...), or stop.", "Lower it (--learning-rate), or stop."),
        ("label='kind' and use=\"my id\".", "--label kind and --use 'my id'."),
        ("text_model='/a/b' has no model: why", "--text-model /a/b has no model: why"),
        ("learner=trees is not one.", "--learner trees is not one."),
        ("Use precision=bf16.", "Use --precision bf16."),
        ("folds=0 needs a network; every_class=True.", "folds=0 needs a network; --every-class."),
        ("Choose force=True or resume=True; got both.", "Choose --force or --resume; got both."),
        ("Say where it is with data=...", "Say where it is with --data"),
        ("seed=... (0, then 3).", "--seed (0, then 3)."),
        ("numeric=... (True, then False)", "--classes or --numbers (True, then False)"),
        ("Pass numeric=False, or numeric=True.", "Pass --classes, or --numbers."),
        ("Pass Options(label='kind', side=...).", "Pass --label kind --side."),
    ],
)
def test_settings_are_written_as_flags(message: str, said: str) -> None:
    assert in_flags(message) == said


@pytest.mark.parametrize(
    "text",
    [
        "Save it with np.savez(path, X=rows, y=labels).",
        "Trainer(model=..., seed=0, force=True) failed: resume(force=True)",
        "runs/label=cat/1.png is damaged; so is label=cat.csv, and seed=0 exists.",
        "learner=trees/run is a folder, and 'label=...' a column, as is my_label=... too",
        "known=False, skip_nan=True and x=... are none; pass --label NAME or force=False",
        "a == b, label = 3, label=, =..., --side=...",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert in_flags(text) == text


def options_of(command: Any) -> Iterator[str]:
    """All flags of a command and of the commands in it."""
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)
    for inner in getattr(command, "commands", {}).values():
        yield from options_of(inner)


def test_every_setting_has_a_flag_and_every_argument_of_an_audit_is_a_setting() -> None:
    flags = {f"--{name.replace('_', '-')}" for name in (*SETTINGS, *OTHERS, *SWITCHES)}
    known = set(options_of(typer.main.get_command(app)))
    assert flags | {NUMERIC["True"], NUMERIC["False"]} <= known
    given = {field.name for field in (*fields(Options), *fields(Plan))}
    assert given - {"path", "options", "known"} == {*SETTINGS, "exact", "numeric", "shifts"} - {
        "data"
    }


FLAG = re.compile(r"(?<![\w-])--[a-z]")


def texts(path: Path) -> Iterator[str]:
    """All strings of a file, docstrings too, but those that make a command line for the user.

    A value in an f-string is a letter here.
    """
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if path.name == "_plan.py" and getattr(node, "name", "") in ("command", "_words"):
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values
            )
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        waiting += ast.iter_child_nodes(node)


@pytest.mark.parametrize(
    "path", sorted(AUDIT.rglob("*.py")), ids=lambda p: str(p.relative_to(AUDIT))
)
def test_the_library_names_no_flag(path: Path) -> None:
    assert [text for text in texts(path) if FLAG.search(text)] == []


def test_the_library_names_arguments_and_the_command_flags(refused: Say, here: Path) -> None:
    Path("a.csv").write_text("ears,kind\n1,cat\n2,dog\n3,cat\n")
    np.save("x.npy", np.eye(4))
    mistakes: list[tuple[str, Options, str, tuple[str, ...], str]] = [
        ("a.csv", Options(), "Pass label=... with one of ears,", (), "Pass --label with one of"),
        (
            *("a.csv", Options(label="kin"), "label=...: no column 'kin'. Did you mean 'kind'?"),
            *(("--label", "kin"), "--label: no column 'kin'. Did you mean 'kind'?"),
        ),
        (
            *("a.csv", Options("kind", numeric=True), "or pass numeric=False for classes"),
            *(("--label", "kind", "--numbers"), "or pass --classes for classes"),
        ),
        ("x.npy", Options(), "Pass labels=... with an .npy", (), "Pass --labels with an .npy"),
    ]
    for name, options, library, flags, command in mistakes:
        with pytest.raises(ValueError) as error:
            read(name, options)
        assert library in str(error.value) and "--" not in str(error.value)
        said = refused("audit", name, *flags)
        assert command in said and "=" not in said


def test_notes_name_flags_on_the_terminal_and_in_the_summary(done: Say, here: Path) -> None:
    rows = "".join(f"{n},{n % 7},{'ab'[n % 2]}\n" for n in range(40))
    Path("a.csv").write_text(f"id,x,y\n{rows}")
    note = "like an id, is left out: id. To learn from one, pass {} with its name."
    notes = read("a.csv", Options(label="y")).notes
    assert any(note.format("use=...") in text for text in notes)
    said = done("audit", "a.csv", "--label", "y", "--learner", "logistic", "-o", "run")
    for text in (said, Path("run/summary.md").read_text()):
        assert note.format("--use") in text and "use=..." not in text
