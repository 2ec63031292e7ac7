"""What is claimed of latent variable models: ``python -m benchmarks.latent`` runs all of it.

``python -m benchmarks.latent svm digits`` runs some; with ``--table`` what is kept in ``results``
is only printed. Each part is a file of beside this one, with its own description.
"""

import sys
from importlib import import_module

PARTS = ("svm", "digits", "motifs", "mixtures", "views", "ratings", "musk")


def main() -> None:
    """Run the parts that are named, or all."""
    named = [word for word in sys.argv[1:] if not word.startswith("-")]
    unknown = set(named) - set(PARTS)
    if unknown:
        sys.exit(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
    sys.argv[1:] = [word for word in sys.argv[1:] if word.startswith("-")]
    for part in named or PARTS:
        print(f"## {part}\n", flush=True)
        import_module(f"benchmarks.latent.{part}").main()
        print(flush=True)


if __name__ == "__main__":
    main()
