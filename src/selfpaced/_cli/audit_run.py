"""An audit from its flags to its last line: read, train, write and tell."""

import json
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape

from selfpaced._cli import messages as telling
from selfpaced._cli.console import is_main, one_thread, say_stopped
from selfpaced._cli.progress import Picture, stopping, watched

if TYPE_CHECKING:
    import pandas as pd

    from selfpaced.audit._plan import Plan
    from selfpaced.audit._run import Run


@dataclass(frozen=True)
class Wish:
    """What a user wants beside the result.

    Args:
        folder: For the results.
        force: Replace what an earlier run wrote.
        resume: Go on with a run that was stopped.
        fix: A corrected copy of the table.
        drop: Leave the suspects out of it.
        json: Print one JSON object and nothing else.
        quiet: Print nothing but errors.
        dark: Draw on dark paper.
    """

    folder: Path
    force: bool
    resume: bool
    fix: Path | None
    drop: bool
    json: bool
    quiet: bool
    dark: bool


def carry_out(plan: "Plan", wish: Wish) -> None:
    """Read, train, write and tell.

    Args:
        plan: What is audited, and how.
        wish: What is wanted beside it.

    Raises:
        Exit: Where the user stopped it.
    """
    began, console = monotonic(), Console(quiet=wish.json or wish.quiet or not is_main())
    there, run = wish.folder.exists(), None
    try:
        run = _begin(plan, wish, console)
        with one_thread() if run.small else nullcontext():
            _train(run, wish, console)
            if run.main:
                _finish(run, wish, console, began)
    except KeyboardInterrupt:
        _stopped(plan, wish, 130, saved=wish.resume if run is None else run.saved)
    finally:
        if is_main() and not there:
            with suppress(OSError):  # it holds something, as it should
                wish.folder.rmdir()


def _begin(plan: "Plan", wish: Wish, console: Console) -> "Run":
    """Check, claim the folder, read, and tell what was read."""
    with console.status(f"Reading {escape(str(plan.path))}"):
        from selfpaced.audit import read
        from selfpaced.audit._prepare import prepare
        from selfpaced.audit._run import Run, machine

        _check(plan, wish)
        place = machine(plan)
        prepared = prepare(read(plan.path, plan.options), plan.text_model)
    _check_labels(plan, wish, [str(name) for name in prepared.source.own])
    telling.tell_read(prepared, console)
    run = Run(plan, prepared, wish.folder, place)
    if wish.resume:
        run.resume()
        telling.tell_resumed(run, console)
    return run


def _check(plan: "Plan", wish: Wish) -> None:
    """Raise for what can be known to fail before anything is read, and claim the folder."""
    from selfpaced._errors import require
    from selfpaced.audit._fixing.fix import require_target
    from selfpaced.audit._folder.checkpoint import require_checkpoint, require_own
    from selfpaced.audit._folder.files import claim, require_no_result
    from selfpaced.audit._plan import check

    require(not (wish.json and wish.quiet), "Choose --json or --quiet; got both.")
    require(not wish.drop or wish.fix is not None, "--drop goes with --fix FILE.")
    check(plan)
    inside = plan.path.is_dir() and wish.folder.resolve().is_relative_to(plan.path.resolve())
    require(not inside, f"{wish.folder} lies within the data. Choose another folder.")
    if not is_main():
        return
    for file in (plan.path, plan.options.labels):
        if file is not None:
            require_no_result(file, wish.folder)
    if wish.fix is not None:
        require_target(plan.path, wish.fix, force=wish.force)
        require_no_result(wish.fix, wish.folder)
    if wish.resume:
        require_checkpoint(wish.folder)
    elif wish.force:
        require_own(wish.folder)
    replaces_copy = wish.resume and wish.fix is not None  # not the run that it goes on with
    claim(wish.folder, force=wish.force and not replaces_copy, resume=wish.resume)


def _check_labels(plan: "Plan", wish: Wish, columns: list[str]) -> None:
    """Raise for a table of which a corrected copy is wanted and cannot be written."""
    from selfpaced.audit._fixing.copies import Wanted, require_labels
    from selfpaced.audit._reading.kinds import suffix_of

    if wish.fix is None:
        return
    label = str(plan.options.label)
    Wanted(plan.path.name, label, {}, {}, wish.drop).check_columns(columns)
    if suffix_of(plan.path) == ".parquet":
        require_labels(plan.path, label)


def _train(run: "Run", wish: Wish, console: Console) -> None:
    """Train to the end, or save and leave where the user asks to stop."""
    from selfpaced.audit._run import leave

    with stopping() as stop:
        if watched(console):
            picture = Picture(run.settings.epochs, run.steps, run.done)

            def pulse() -> bool:
                picture.pulse()
                return stop()

            with Live(picture, console=console, transient=True):
                over = run.train(picture.watch, pulse)
        else:
            over = run.train(pulse=stop)
    leave()
    if not over:
        _stopped(run.plan, wish, stop.code, saved=run.saved)


def _stopped(plan: "Plan", wish: Wish, code: int, *, saved: bool) -> None:
    """Say how to go on, and exit."""
    from selfpaced.audit._plan import command

    more = ["--fix", str(wish.fix)] if wish.fix is not None else []
    flags = ["drop", "json", "quiet", "dark"]
    if not saved or wish.fix is not None:
        flags.append("force")
    more += [f"--{name}" for name in flags if getattr(wish, name)]
    if saved:
        again = command(plan, wish.folder, [*more, "--resume"])
        say_stopped(f"Stopped; the training is saved in {wish.folder}. Go on with", again)
    else:
        again = command(plan, wish.folder, more)
        say_stopped("Stopped before the training was saved. Begin again with", again)
    raise typer.Exit(code)


def _finish(run: "Run", wish: Wish, console: Console, began: float) -> None:
    """Write the results, and the corrected copy; tell what was found."""
    from selfpaced.audit._folder.write import write

    plan, prepared, folder = run.plan, run.prepared, wish.folder
    with console.status(f"Writing to {escape(str(folder))}"):
        found, trained = run.conclude()
        written = write(
            folder, plan, prepared, found, trained, losses=run.losses_by_epoch(), dark=wish.dark
        )
    telling.tell_found(found, written, console)
    telling.tell_files(folder, written.files, console)
    changed = _fixed(plan, wish, written.suspects)
    if wish.json:
        told = telling.told(prepared, found, folder, written, monotonic() - began)
        told |= {"fixed": None if wish.fix is None else str(wish.fix), "changed": changed}
        typer.echo(json.dumps(told))
        return
    if wish.fix is not None:
        telling.tell_fixed(wish.fix, changed, drop=wish.drop, console=console)
    telling.tell_next(prepared, folder, len(written.suspects), wish.fix is not None, console)


def _fixed(plan: "Plan", wish: Wish, suspects: "pd.DataFrame") -> int:
    """Write the corrected copy, where one is wanted; return how many rows it changes."""
    from selfpaced.audit._fixing.fix import fix

    if wish.fix is None:
        return 0
    label = str(plan.options.label)
    try:
        return fix(plan.path, wish.fix, label, suspects, drop=wish.drop, force=wish.force)
    except (ValueError, OSError) as error:
        raise ValueError(
            f"The results are in {wish.folder}, but {wish.fix} was not written: {error}"
        ) from error
