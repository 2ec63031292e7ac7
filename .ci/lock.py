"""Print a report of pip (``pip install --dry-run --report -``) as pins with the hashes of files."""

import json
import sys
from typing import Any

HEAD = """\
# Made by `make locked`, for the platform in the name of this file: the versions of constraints.txt
# with the hashes of the files that pip installed, so that `pip install --require-hashes` takes no
# others. torch is the build for CPUs, +cpu, which the public index does not have: pass the index
# that has it (--extra-index-url), or make the file anew for the build that you use.
"""


def pin(installed: dict[str, Any]) -> str:
    """Return a package as a line of requirements, with the hash of its file."""
    metadata, archive = installed["metadata"], installed["download_info"]["archive_info"]
    (kind, digest), *_ = archive["hashes"].items()
    return f"{metadata['name']}=={metadata['version']} \\\n    --hash={kind}:{digest}\n"


def main() -> None:
    """Read the report from the standard input; leave out what is installed from a folder."""
    found = json.load(sys.stdin)["install"]
    files = [each for each in found if "archive_info" in each["download_info"]]
    sys.stdout.write(HEAD + "".join(sorted(map(pin, files), key=str.lower)))


if __name__ == "__main__":
    main()
