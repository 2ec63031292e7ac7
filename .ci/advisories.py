"""Check the locked packages for known advisories; fail if there are any.

A registry may not serve advisories: then one package is asked for, and nothing else is checked.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def audited(requirements: list[str]) -> list[dict[str, Any]]:
    """Return what pip-audit knows of some pinned packages."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text("\n".join(requirements))
        words = ["--requirement", str(file), "--disable-pip", "--no-deps", "--format", "json"]
        result = subprocess.run(
            [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", *words],
            capture_output=True,
            text=True,
            check=False,
        )
    if not result.stdout.strip():
        raise SystemExit(f"pip-audit failed:\n{result.stderr}")
    found: list[dict[str, Any]] = json.loads(result.stdout)["dependencies"]
    return found


def main(locked: Path) -> None:
    """Print the advisories of the packages in a file of pins, and fail if there are any."""
    lines = locked.read_text().splitlines()
    pins = [line.split()[0] for line in lines if "==" in line and not line.startswith("#")]
    pins = [pin.partition("+")[0] for pin in pins]  # advisories are for public versions
    first = next(pin for pin in pins if pin.lower().startswith("numpy=="))
    if "skip_reason" in audited([first])[0]:
        print("Advisories: not checked, as the registry here serves none.")
        return
    found = audited(pins)
    bad = [each for each in found if each.get("vulns")]
    for each in bad:
        names = ", ".join(advisory["id"] for advisory in each["vulns"])
        print(f"{each['name']} {each['version']}: {names}")
    skipped = sum("skip_reason" in each for each in found)
    print(f"Advisories: {len(bad)} of {len(found) - skipped} packages have some.")
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
