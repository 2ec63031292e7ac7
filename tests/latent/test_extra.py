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


@pytest.mark.parametrize(("name", "package"), NEEDS)
def test_a_missing_package_is_named_with_what_to_install(name: str, package: str) -> None:
    program = f"import sys; sys.modules[{package!r}] = None; from selfpaced.latent import {name}"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: selfpaced.latent.{name} needs {package}")
    assert last.endswith('pip install "selfpaced[latent]"')


def test_search_needs_no_optional_package() -> None:
    blocked = "; ".join(f"sys.modules[{name!r}] = None" for name in sorted({p for _, p in NEEDS}))
    program = f"import sys; {blocked}; from selfpaced.latent import Search; Search()"
    subprocess.run([sys.executable, "-c", program], check=True)
