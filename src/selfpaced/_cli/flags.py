"""Messages of the library for users of the command line: ``label=...`` becomes ``--label``."""

import re
import shlex

# Settings that take a value. Each has the same name in the library and on the command line, where
# underscores are dashes: ``text_model`` is ``--text-model``.
SETTINGS = (
    "annotator",
    "batch_size",
    "data",
    "depth",
    "epochs",
    "folds",
    "group",
    "ignore",
    "item",
    "label",
    "labels",
    "learner",
    "learning_rate",
    "model",
    "precision",
    "probabilities",
    "seed",
    "sheet",
    "side",
    "text_model",
    "use",
)
# The same of other commands than audit.
OTHERS = ("decisions", "output", "port", "reviewer")
# Settings that are True or False; their flags take no value.
SWITCHES = ("drop", "every_class", "exact", "force", "resume", "undo")
# Settings that are True by default; their flags turn them off.
OFF = ("shifts",)
# The flags that stand for the values of ``numeric``.
NUMERIC = {"True": "--numbers", "False": "--classes", "...": "--classes or --numbers"}

# The settings whose value may be a bare word in a message. Values of the others are quoted or
# ``...``: a bare ``label=cat`` or ``seed=0`` is more likely the name of a folder.
WORDS = ("learner", "precision")
# Python code such as ``f(x, seed=0)``, which is no setting of the command. The library may write
# a setting as ``Options(label=...)``, so that is not matched.
CODE = r"\b(?!Options\()[A-Za-z_][\w.]*\([^()]*\)"
# A value that is quoted or left open.
VALUE = r"""\.\.\.|"[^"]*"|'[^']*'"""
# What must not follow a bare word: more of a path, as in ``learner=trees/run``.
END = r"(?![\w/\\=-]|\.\w)"
# A setting with its value; not where it is a part of a path, of a quoted text or of a longer name.
SETTING = (
    rf"(?<![\w./\\=\-'\"`])(?:(?P<setting>{'|'.join((*SETTINGS, *OTHERS))})=(?P<value>{VALUE})"
    rf"|(?P<choice>{'|'.join(WORDS)})=(?P<word>[A-Za-z]\w*){END}"
    rf"|(?P<switch>{'|'.join(SWITCHES)})=(?:True|\.\.\.){END}"
    rf"|(?P<off>{'|'.join(OFF)})=False{END}"
    rf"|numeric=(?P<numeric>True|False|\.\.\.){END})"
)
PATTERN = re.compile(rf"(?P<code>{CODE})|Options\((?P<options>[^()]*)\)|{SETTING}")


def in_flags(text: str) -> str:
    """Return a message of the library with its settings written as flags.

    Messages of the library name a setting by its argument or field in Python, followed by its value
    or by dots: ``label=...``, ``label="kind"``, ``learner=trees``, ``force=True`` or
    ``Options(side=...)``. All other text stays as it is, such as paths, quoted values, numbers and
    calls of other functions.

    >>> in_flags("Pass label=..., or force=True; got text_model='my model'.")
    "Pass --label, or --force; got --text-model 'my model'."
    >>> in_flags("runs/label=cat is not a file. Save it with np.savez(path, X=rows, labels=...).")
    'runs/label=cat is not a file. Save it with np.savez(path, X=rows, labels=...).'
    """
    return PATTERN.sub(_flag, text)


def _flag(found: re.Match[str]) -> str:
    """Return the flag of a setting, and code as it is."""
    if found["code"]:
        return found["code"]
    if found["options"] is not None:
        return in_flags(found["options"]).replace(", --", " --")
    if found["numeric"] or found["off"]:
        return NUMERIC.get(found["numeric"], f"--no-{found['off']}")
    name = found["setting"] or found["choice"] or found["switch"]
    flag = f"--{name.replace('_', '-')}"
    if found["word"]:
        return f"{flag} {found['word']}"
    if found["switch"] or found["value"] == "...":
        return flag
    return f"{flag} {shlex.quote(found['value'][1:-1])}"
