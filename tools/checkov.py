"""checkov looks for what is unsafe. In an environment of its own: it asks for other versions of nearly everything."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from tools import environments, options, uv

REQUIREMENT = "checkov>=3.3,<4"
FOLDER = options.ROOT / ".cache" / "checkov"
SECONDS = 300
# It would ask its makers for policies and for what they call these checks.
OFFLINE = {"BC_SKIP_MAPPING": "TRUE", "LOG_LEVEL": "ERROR"}


@cache
def installed() -> str | None:
    """Where it is, after installing it where that was not done yet; None if no index has it."""
    wanted = f"{REQUIREMENT} {options.tested_on()}"
    stamp = FOLDER / "made-from.txt"
    with environments.locked(FOLDER.with_suffix(".lock")):
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            try:
                uv.call("venv", "--clear", "--python", sys.executable, str(FOLDER))
                python = str(FOLDER / "bin" / "python")
                uv.call("pip", "install", "--python", python, "--exclude-newer", options.tested_on(), REQUIREMENT)
            except uv.UvError:
                return None
            stamp.write_text(wanted, encoding="utf-8")
    return str(FOLDER / "bin" / "checkov")


def findings(path: Path, *frameworks: str) -> list[str]:
    """What is neither mended nor explained beside the line.

    Args:
        path: a file, or a folder, to look through.
        frameworks: for which kinds of files, as checkov calls them.

    Raises:
        RuntimeError: something could not be read, or nothing of a kind was found to look at.
    """
    command = [str(installed()), "--skip-download", "--compact", "--output", "json"]
    command += ["--directory" if path.is_dir() else "--file", str(path), "--framework", *frameworks]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False, env=os.environ | OFFLINE
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr)
    reports = json.loads(done.stdout)
    looked = reports if isinstance(reports, list) else [reports]
    read = {report["check_type"] for report in looked if not report["results"]["parsing_errors"]}
    if read != set(frameworks) or not all(report["results"]["passed_checks"] for report in looked):
        raise RuntimeError(f"not everything was looked at\n{done.stdout}\n{done.stderr}")
    failed = [check for report in looked for check in report["results"]["failed_checks"]]
    return [f"{each['file_path']}: {each['check_id']} {each['resource']}: {each['check_name']}" for each in failed]
