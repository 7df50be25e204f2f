"""The official AsyncAPI parser, a JavaScript library."""

from pathlib import Path

from tools import npm

PARSER = "@asyncapi/parser@3.6.3"
SCRIPT = Path(__file__).with_suffix(".mjs")


def installed() -> Path | None:
    """The folder that holds its `node_modules`; None if it cannot be had."""
    return npm.installed(PARSER, "asyncapi-parser")


def findings(document: Path) -> list[str]:
    """What the parser, once it is installed, calls an error or a warning."""
    return npm.lines(SCRIPT, installed(), document)
