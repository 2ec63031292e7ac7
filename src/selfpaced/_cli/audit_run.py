"""The steps of ``selfpaced audit``: check, read, train, write the results and print them."""

from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import typer
from rich.live import Live
from rich.markup import escape

from selfpaced._cli import messages
from selfpaced._cli.console import Console, one_thread, say_json, say_stopped
from selfpaced._cli.flags import in_flags
from selfpaced._cli.process import Terminated
from selfpaced._cli.progress import Picture, reading, stopping, watched
from selfpaced._text import operand, shell_line
from selfpaced.audit._learning.launcher import is_main

if TYPE_CHECKING:
    from selfpaced.audit._fixing.from_run import Fixed
    from selfpaced.audit._plan import Plan
    from selfpaced.audit._run import Run


@dataclass(frozen=True)
class Results:
    """What a run writes and prints.

    Args:
        folder: The folder for the results.
        force: Replace the results of an earlier run, and an existing corrected copy.
        resume: Continue a run that was stopped.
        fix: The file for a corrected copy of the table; None for no copy.
        drop: Leave the suspects out of the copy instead of correcting their labels.
        json: Print one JSON object and nothing else.
        quiet: Print nothing but errors.
        dark: Draw the pictures on a dark background.
        top: The number of rows of suspects.csv; None for the suspects and the range of the count.
        every_class: List suspects of withheld classes, too; see ``Audit.every_class``.
    """

    folder: Path
    force: bool
    resume: bool
    fix: Path | None
    drop: bool
    json: bool
    quiet: bool
    dark: bool
    top: int | None = None
    every_class: bool = False

    @property
    def words(self) -> list[str]:
        """The words of the command line that repeat which suspects are listed."""
        top = [] if self.top is None else ["--top", str(self.top)]
        return [*top, "--every-class"] if self.every_class else top


def carry_out(plan: "Plan", results: Results) -> None:
    """Read, train, write the results and print them.

    Args:
        plan: The samples and the settings of the training.
        results: What to write and print.

    Raises:
        Exit: If the user stopped the run.
    """
    began = monotonic()
    console = Console(quiet=results.json or results.quiet or not is_main())
    existed, run = results.folder.exists(), None
    try:
        with ExitStack() as held:
            run = _begin(plan, results, console, held)
            held.enter_context(one_thread() if run.small else nullcontext())
            _train(run, results, console)
            if run.main:
                _finish(run, results, console, began)
    except (KeyboardInterrupt, Terminated) as stop:
        code = stop.code if isinstance(stop, Terminated) else 130
        _stopped(plan, results, code, saved=results.resume if run is None else run.saved)
    finally:
        if is_main() and not existed:
            with suppress(OSError):  # a folder that holds results is not empty, and stays
                results.folder.rmdir()


def _begin(plan: "Plan", results: Results, console: Console, held: ExitStack) -> "Run":
    """Check the settings, claim the folder, read the samples, and print what was read.

    The folder is held until ``held`` is closed.
    """
    with reading(plan.path, console):
        _check(plan, results, held)
        from selfpaced.audit import read

        source = read(plan.path, plan.options)
        # Not above: torch comes with them, and an error in the data needs none.
        from selfpaced.audit._prepare import prepare
        from selfpaced.audit._run import Run, machine

        place = machine(plan)
        prepared = prepare(source, plan.text_model)
        prepared = replace(prepared, notes=tuple(in_flags(note) for note in prepared.notes))
    _check_labels(plan, results, [str(name) for name in prepared.source.own])
    messages.tell_read(prepared, console)
    run = Run(plan, prepared, results.folder, place)
    if results.resume:
        run.resume()
        messages.tell_resumed(run, console)
    return run


def _check(plan: "Plan", results: Results, held: ExitStack) -> None:
    """Raise for errors that can be found before anything is read; then claim the folder."""
    from selfpaced._errors import require
    from selfpaced.audit._folder.claim import claimed
    from selfpaced.audit._plan import check, check_model

    require(not (results.json and results.quiet), "Choose --json or --quiet; got both.")
    require(
        results.top is None or results.top >= 1,
        f"--top must be a positive number of rows; got {results.top}. Leave it out to list the "
        f"suspects and as many more rows as labels may be wrong.",
    )
    require(
        not results.drop or results.fix is not None,
        "--drop needs --fix FILE, the copy that leaves the suspects out.",
    )
    require(
        results.fix is None or not plan.options.annotator,
        "--fix does not change the labels of several annotators: consensus.csv has the label of "
        "each sample. Leave it out.",
    )
    check(plan)
    inside = plan.path.is_dir() and results.folder.resolve().is_relative_to(plan.path.resolve())
    require(not inside, f"{results.folder} is inside the data. Choose another folder.")
    if is_main():
        _check_files(plan, results)
        # With --resume and --fix, --force is for the corrected copy: the run itself is continued.
        force = results.force and not (results.resume and results.fix is not None)
        held.enter_context(claimed(results.folder, force=force, resume=results.resume))
    check_model(plan)  # last, as it imports torch


def _check_files(plan: "Plan", results: Results) -> None:
    """Raise for files that the run must not replace, and for a missing checkpoint."""
    from selfpaced.audit._folder.files import CHECKPOINT, require_checkpoint, require_no_result

    for file in (plan.path, plan.options.labels):
        if file is not None:
            require_no_result(file, results.folder)
    if results.fix is not None:
        from selfpaced.audit._fixing.from_run import Request, require_fixable  # imports pandas

        require_fixable(Request(results.folder, results.fix, force=results.force), plan)
    if results.resume:
        require_checkpoint(results.folder)
    elif results.force and (results.folder / CHECKPOINT).is_file():
        from selfpaced.audit._folder.checkpoint import require_own  # imports torch

        require_own(results.folder)


def _check_labels(plan: "Plan", results: Results, columns: list[str]) -> None:
    """Raise if a corrected copy is wanted of a table that cannot be corrected."""
    from selfpaced.audit._fixing.changes import Wanted
    from selfpaced.audit._fixing.corrected_copy import require_labels
    from selfpaced.audit._plan import TABLES
    from selfpaced.audit._reading.kinds import kind_of, suffix_of

    if results.fix is None or kind_of(plan.path) not in TABLES:
        return
    label = str(plan.options.label)
    Wanted(plan.path.name, label, {}, {}, results.drop).check_columns(columns)
    if suffix_of(plan.path) == ".parquet":
        require_labels(plan.path, label)


def _train(run: "Run", results: Results, console: Console) -> None:
    """Train to the end; if the user asks to stop, save the training and exit."""
    from selfpaced.audit._run import leave

    with stopping() as stop:
        if watched(console):
            picture = Picture(lambda: run.learner.progress)

            def pulse() -> bool:
                """Move the bar, and say whether to stop."""
                picture.pulse()
                return stop()

            with Live(picture, console=console, transient=True):
                finished = run.train(picture.watch, pulse)
        else:
            finished = run.train(pulse=stop)
    leave()
    if not finished:
        _stopped(run.plan, results, stop.code, saved=run.saved)


def _stopped(plan: "Plan", results: Results, code: int, *, saved: bool) -> None:
    """Print the command that continues the run, and exit."""
    from selfpaced.audit._folder.files import CHECKPOINT
    from selfpaced.audit._plan import command

    if saved and not (results.folder / CHECKPOINT).exists():  # all but the copy is written
        say_stopped(f"Stopped; the results are in {results.folder}.", _fix_command(results))
        raise typer.Exit(code)
    more = [*results.words, *(["--fix", operand(results.fix)] if results.fix is not None else [])]
    switches = ["drop", "json", "quiet", "dark"]
    if not saved or results.fix is not None:
        switches.append("force")
    more += [f"--{name}" for name in switches if getattr(results, name)]
    if saved:
        again = command(plan, results.folder, [*more, "--resume"])
        say_stopped(f"Stopped; the training is saved in {results.folder}. Continue with", again)
    else:
        again = command(plan, results.folder, more)
        say_stopped("Stopped before the training was saved. Start again with", again)
    raise typer.Exit(code)


def _finish(run: "Run", results: Results, console: Console, began: float) -> None:
    """Write the results and the corrected copy, and print what was found."""
    plan, prepared, folder = run.plan, run.prepared, results.folder
    with console.status(console.render_str(f"Writing to {escape(str(folder))}")):
        from selfpaced.audit._folder.write import write  # matplotlib comes with it

        found, trained = run.conclude()
        found = replace(found, every_class=results.every_class)
        written = write(
            *(folder, plan, prepared, found, trained),
            origin=run.origin,
            losses=run.losses_by_epoch(),
            dark=results.dark,
            top=results.top,
            more=results.words,
        )
    messages.tell_found(found, written, console)
    messages.tell_files(folder, written.files, console, numeric=found.numeric)
    fixed = _fixed(run, results)
    if results.json:
        told = messages.as_json(prepared, found, folder, written, monotonic() - began)
        nothing: dict[str, Any] = {"fixed": None, "changed": 0, "changes": {}}
        say_json(told | (nothing if fixed is None else messages.fixed_as_json(fixed)))
        return
    if fixed is not None:
        messages.tell_fixed(fixed, console)
    messages.tell_next(run, folder, found, fixed is not None, console)


def _fixed(run: "Run", results: Results) -> "Fixed | None":
    """Write the corrected copy from the rows of suspects.csv, if one is wanted.

    Returns:
        What it changes; None if no copy is wanted.
    """
    if results.fix is None:
        return None
    from selfpaced.audit._fixing import Use
    from selfpaced.audit._fixing.from_run import Request, fix_from

    drop, force = results.drop, results.force
    try:
        return fix_from(Request(results.folder, results.fix, None, drop, force, Use.SUSPECTS))
    except (ValueError, OSError) as error:
        raise ValueError(
            f"The results are in {results.folder}, but {results.fix} was not written: "
            f"{str(error).removesuffix('.')}. To write it, run {_fix_command(results)}"
        ) from error


def _fix_command(results: Results) -> str:
    """Return the command that writes the corrected copy of a finished run; "" if none is wanted."""
    if results.fix is None:
        return ""
    switches = [f"--{name}" for name in ("drop", "force") if getattr(results, name)]
    words = ["selfpaced", "fix", operand(results.folder), operand(results.fix), *switches]
    return shell_line(words)
