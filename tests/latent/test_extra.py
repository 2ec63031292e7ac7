"""Without its packages each room says what to install."""

import subprocess
import sys

import pytest

NEEDS = {
    "cutting_plane": "piqp",
    "svm": "sklearn",
    "restarts": "joblib",
    "instances": "sklearn",
    "factors": "sklearn",
    "mixtures": "sklearn",
    "clusters": "sklearn",
    "views": "sklearn",
    "problems.digits": "sklearn",
    "problems.mentions": "scipy",
}


@pytest.mark.parametrize("room", NEEDS)
def test_what_is_missing_is_named_with_what_to_install(room: str) -> None:
    program = f"import sys; sys.modules[{NEEDS[room]!r}] = None; import selfpaced.latent.{room}"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: selfpaced.latent.")
    assert last.endswith('pip install "selfpaced[latent]"')


def test_the_search_itself_needs_none_of_them() -> None:
    blocked = "; ".join(f"sys.modules[{name!r}] = None" for name in sorted(set(NEEDS.values())))
    program = f"import sys; {blocked}; from selfpaced.latent import Search; Search()"
    subprocess.run([sys.executable, "-c", program], check=True)
