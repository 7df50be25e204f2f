"""Prometheus' own tool runs the rules: each alert fires when it should, and ends."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMTOOL = shutil.which("promtool")
TESTS = sorted(Path(__file__).parent.glob("*.yaml"))


@pytest.mark.skipif(not PROMTOOL, reason="promtool, which comes with Prometheus, is not on PATH: no alert was fired")
@pytest.mark.parametrize("arguments", [["check", "rules"], ["test", "rules"]], ids=" ".join)
def test_promtool_accepts_the_rules(arguments: list[str]) -> None:
    files = TESTS if "test" in arguments else [ROOT / "observability" / "rules.yaml"]
    done = subprocess.run([str(PROMTOOL), *arguments, *map(str, files)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
