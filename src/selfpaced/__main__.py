"""The entry point of ``selfpaced`` and ``python -m selfpaced``.

Without the extra ``cli`` it says what to install.
"""

import sys


def main() -> None:
    """Run the command line; exit with status 1 if the extra ``cli`` is not installed."""
    try:
        from selfpaced._cli import app
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("typer", "rich"):
            raise
        sys.stderr.write(
            f"The selfpaced command needs {missing.name}, which is not installed: "
            'pip install "selfpaced[cli]"\n'
        )
        sys.exit(1)
    app()


if __name__ == "__main__":
    main()
