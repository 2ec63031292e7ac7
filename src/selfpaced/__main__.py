"""The console command ``selfpaced``; says what to install where the extra ``cli`` is missing."""

import sys


def main() -> None:
    """Run the command line, or exit 1 naming the extra it needs."""
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
