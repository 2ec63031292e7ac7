"""If a package is missing, the import of a name says what to install."""

import subprocess
import sys

import pytest

NEEDS = [
    ("LatentSVM", "piqp"),
    ("LatentSVM", "sklearn"),
    ("restarts", "joblib"),
    ("MISVM", "sklearn"),
    ("miSVM", "sklearn"),
    ("SelfPacedFactorisation", "sklearn"),
    ("SelfPacedFactorisation", "scipy"),
    ("SelfPacedGaussianMixture", "sklearn"),
    ("SelfPacedKMeans", "sklearn"),
    ("MultiViewSelfPacedClustering", "sklearn"),
    ("problems", "sklearn"),
    ("problems", "scipy"),
]


# Imports the names that follow where the package that is named first is missing.
PROGRAM = """
import sys
package, *names = sys.argv[1:]
sys.modules[package] = None
for name in names:
    try:
        exec(f"from selfpaced.latent import {name}")
    except ImportError as error:
        print(error)
"""


@pytest.mark.parametrize("package", sorted({package for _, package in NEEDS}))
def test_a_missing_package_is_named_with_what_to_install(package: str) -> None:
    names = [name for name, needed in NEEDS if needed == package]
    command = [sys.executable, "-c", PROGRAM, package, *names]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name, said in zip(names, printed.splitlines(), strict=True):
        assert said.startswith(f"selfpaced.latent.{name} needs {package}")
        assert said.endswith('pip install "selfpaced[latent]"')


def test_search_needs_no_optional_package() -> None:
    blocked = "; ".join(f"sys.modules[{name!r}] = None" for name in sorted({p for _, p in NEEDS}))
    program = f"import sys; {blocked}; from selfpaced.latent import Search; Search()"
    subprocess.run([sys.executable, "-c", program], check=True)
