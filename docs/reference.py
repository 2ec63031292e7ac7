"""Write docs/reference.md, all public names in a line each: ``python docs/reference.py``."""

import inspect
from importlib import import_module
from pathlib import Path

MODULES = (
    *("selfpaced", "selfpaced.chain", "selfpaced.weighting", "selfpaced.pacing", "selfpaced.age"),
    *("selfpaced.difficulty", "selfpaced.coupling", "selfpaced.suspects", "selfpaced.tracking"),
    *("selfpaced.audit", "selfpaced.latent", "selfpaced.latent.problems", "selfpaced.report"),
    *("selfpaced.sklearn", "selfpaced.skorch", "selfpaced.lightning", "selfpaced.transformers"),
    *("selfpaced.trl", "selfpaced.prompts", "selfpaced.testing"),
)
ALIASES = ("GenericAlias", "UnionType")
HEAD = """# Reference

All names that you may import. `help(name)` describes its arguments, shapes and errors and has an
example. Everything that is not listed here is internal and may change.

`python docs/reference.py` writes this page.
"""


def page() -> str:
    """Return the page."""
    return HEAD + "".join(_section(module) for module in MODULES)


def _section(name: str) -> str:
    module = import_module(name)
    lines = [f"\n## `{name}`\n", f"{_first_line(module)}\n", "| | |", "|---|---|"]
    members = sorted(module.__all__, key=str.lower)
    lines += [_row(member, getattr(module, member)) for member in members]
    return "\n".join(lines) + "\n"


def _row(name: str, member: object) -> str:
    if inspect.ismodule(member):
        return f"| `{name}` | the module `{member.__name__}` |"
    if not (inspect.isclass(member) or inspect.isfunction(member)):
        alias = f"a short name of `{member}`".replace("|", "\\|")
        kind = type(member).__name__
        return f"| `{name}` | {alias if kind in ALIASES else f'a value, `{kind}`'} |"
    return f"| `{name}` | {_first_line(member)} |"


def _first_line(member: object) -> str:
    return (inspect.getdoc(member) or "").partition("\n")[0].replace("|", "\\|").replace("``", "`")


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(page())
