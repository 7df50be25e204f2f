"""Renews the files of Swagger UI that the chassis serves at /docs.

`python -m tools.swagger_ui 5.35.0` packs those of a version of npm's `swagger-ui-dist`, and writes their version and
sums; `python -m tools.swagger_ui` compares what is there with npm's package of the same version.
"""

import gzip
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools import options

FOLDER = options.CHASSIS / "src" / "chassis" / "http" / "swagger_ui"
PACKED = ("swagger-ui.css", "swagger-ui-bundle.js")
# Apache-2.0 asks for both, and the licenses of what is in the bundle are in a file of their own.
NOTICES = ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt")
SUMS = "SHA256SUMS"


def published(version: str) -> Mapping[str, bytes]:
    """The files of a version, as npm has them."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"swagger-ui-dist@{version}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE)
        [archive] = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as files:
            return {name: files.extractfile(f"package/{name}").read() for name in (*PACKED, *NOTICES)}  # type: ignore[union-attr]


def sums(version: str, files: Mapping[str, bytes]) -> str:
    """The text of the file of sums, which `sha256sum` understands."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}" for name in PACKED]
    return "\n".join([f"# swagger-ui-dist {version}", *lines, ""])


def written(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """The files as they are stored: packed without a time, so that the same version is the same bytes."""
    packed = {f"{name}.gz": gzip.compress(files[name], 9, mtime=0) for name in PACKED}
    return packed | {name: _tidy(files[name]) for name in NOTICES}


def _tidy(text: bytes) -> bytes:
    """Without blanks at the ends of lines, as all text of the repository is."""
    return b"\n".join(line.rstrip() for line in text.strip().split(b"\n")) + b"\n"


def main(arguments: Sequence[str]) -> int:
    """Write a version, or compare the present one."""
    if arguments:
        version = arguments[0]
        files = published(version)
        FOLDER.mkdir(exist_ok=True)
        for name, content in written(files).items():
            (FOLDER / name).write_bytes(content)
        (FOLDER / SUMS).write_text(sums(version, files), encoding="utf-8")
        return 0
    present = (FOLDER / SUMS).read_text(encoding="utf-8")
    version = present.split("\n")[0].rpartition(" ")[2]
    same = present == sums(version, published(version))
    sys.stdout.write(f"swagger-ui-dist {version}: {'as published' if same else 'NOT as published'}\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
