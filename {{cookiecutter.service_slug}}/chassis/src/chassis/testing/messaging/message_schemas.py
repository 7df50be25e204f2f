"""Validates messages against committed schemas, as the teams that read them do."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import referencing

from ...messaging.contracts.json_schema import ENVELOPE_FILE


class MessageSchemas:
    """The schemas of events and of their envelope, from a folder such as `contracts/events`."""

    def __init__(self, folder: Path) -> None:
        """Read all schemas; raises jsonschema.SchemaError for one that is not valid."""
        self.files: dict[str, Any] = {
            file.name: json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))
        }
        for schema in self.files.values():
            jsonschema.Draft202012Validator.check_schema(schema)
        resources = ((each["$id"], referencing.Resource.from_contents(each)) for each in self.files.values())
        self._validator = jsonschema.Draft202012Validator(
            self.files[ENVELOPE_FILE],
            registry=referencing.Registry().with_resources(resources),
            format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
        )

    def problems(self, body: bytes) -> list[str]:
        """Each place in a message that its schema refuses; empty if the message is valid."""
        return [f"{each.json_path}: {each.message}" for each in self._validator.iter_errors(json.loads(body))]
