"""Benchmarks of latent variable models: ``python -m benchmarks.latent`` runs all parts.

``python -m benchmarks.latent svm digits`` runs two of them; ``--table`` prints the tables of the
committed result lines and runs nothing but svm, which keeps no lines. Each part is a module beside
this one: ``python -m benchmarks.latent.digits --help`` describes it.
"""

import argparse
from importlib import import_module

PARTS = ("svm", "digits", "motifs", "mixtures", "views", "ratings", "musk")  # In order of running.


def main() -> None:
    """Run the named parts, or all of them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.latent",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=f"one of {', '.join(PARTS)}")
    parser.add_argument("--table", action="store_true", help="print the tables of the result lines")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        names = ", ".join(sorted(unknown))
        parser.error(f"expected parts out of {', '.join(PARTS)}; got {names}.")
    for part in options.parts or PARTS:
        print(f"## {part}\n", flush=True)
        arguments = ["--table"] if options.table and part != "svm" else []
        import_module(f"benchmarks.latent.{part}").main(arguments)
        print(flush=True)


if __name__ == "__main__":
    main()
