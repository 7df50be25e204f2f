"""How long it takes to generate the default service: `make bench`. Figures to read, not a test."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from tools.options import ROOT

RUNS = 7
IMPORT = "import cookiecutter.main"


def main() -> None:
    """Print the medians."""
    whole = _median(_command)
    importing = _median(_import)
    print(f"the whole command        {whole:6.2f} s")
    print(f"  importing cookiecutter {importing:6.2f} s")
    print(f"  what the template adds {whole - importing:6.2f} s")


def _median(action: Callable[[str], None]) -> float:
    return statistics.median(_seconds(action) for _ in range(RUNS))


def _seconds(action: Callable[[str], None]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        action(folder)
        return time.perf_counter() - begun


def _command(folder: str) -> None:
    command = ["-m", "cookiecutter", "--no-input", "--default-config", "--output-dir", folder, str(ROOT)]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)


def _import(_: str) -> None:
    subprocess.run([sys.executable, "-c", IMPORT], check=True)


if __name__ == "__main__":
    main()
