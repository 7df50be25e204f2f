"""`python -m chassis.observability` writes the generated files of the service in this folder.

`--check` only reports those that are out of date.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from .files import stale_files


def main(arguments: Sequence[str]) -> None:
    """Write the files that are out of date, or report them."""
    root = Path.cwd()
    if not (root / "slo.yaml").exists():
        raise SystemExit(f"no slo.yaml in {root}: run this in the service's folder")
    try:
        stale = stale_files(root)
    except (ValidationError, yaml.YAMLError) as error:
        raise SystemExit(str(error)) from None
    if "--check" not in arguments:
        for path, text in stale.items():
            path.write_text(text, encoding="utf-8")
    elif stale:
        raise SystemExit("".join(f"{path.relative_to(root)} is out of date: run `make slo`\n" for path in stale))


if __name__ == "__main__":
    main(sys.argv[1:])
