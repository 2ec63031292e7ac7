"""The entry point of ``selfpaced`` and ``python -m selfpaced``.

Without the extra ``cli`` it says what to install.
"""

import os
import sys


def main() -> None:
    """Run the command line; exit with status 1 if the extra ``cli`` is not installed."""
    _open_streams()
    try:
        from selfpaced._cli import app
        from selfpaced._cli.process import run
        from selfpaced._cli.surroundings import prepare
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("typer", "rich"):
            raise
        sys.stderr.write(
            f"The selfpaced command needs {missing.name}, which is not installed: "
            'pip install "selfpaced[cli]"\n'
        )
        sys.exit(1)
    prepare()
    run(app)


def _open_streams() -> None:
    """Open standard streams that were closed, so that no file of ours takes their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))


if __name__ == "__main__":
    main()
