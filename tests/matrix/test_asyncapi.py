"""What was generated describes its events as every AsyncAPI tool understands it: the official parser says so."""

import json
from pathlib import Path

import pytest

from tests.project import Project
from tools import asyncapi_parser

pytestmark = pytest.mark.needs("AsyncAPI's parser")


def test_the_parser_finds_nothing_wrong(generated: Project) -> None:
    document = generated.path / "contracts" / "asyncapi.json"
    assert document.exists() == (generated.baked.answers["broker"] != "none")
    if document.exists():
        assert not asyncapi_parser.findings(document)


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": {"orders": {"messages": {"created": {"$ref": "#/components/messages/nowhere"}}}}},
        {"operations": {"publish": {"action": "shout", "channel": {"$ref": "#/channels/orders"}}}},
        {"servers": {"broker": {"host": "{host}"}}},
    ],
)
def test_the_parser_finds_mistakes(tmp_path: Path, wrong: dict[str, object]) -> None:
    document = tmp_path / "asyncapi.json"
    sound = {"asyncapi": "3.0.0", "info": {"title": "Orders", "version": "1.0.0"}, "channels": {"orders": {}}}
    document.write_text(json.dumps(sound), encoding="utf-8")
    assert not asyncapi_parser.findings(document)
    document.write_text(json.dumps(sound | wrong), encoding="utf-8")
    assert asyncapi_parser.findings(document)
