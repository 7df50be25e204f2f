"""What other teams build on, as JSON Schema (draft 2020-12): `contracts/events` holds what this module says.

A file for the data of each event and each major version of it, and one for the envelope around them. They are open:
a reader must leave alone what it does not know, because fields and attributes are added at any time.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from .attributes import ALWAYS_SENT, ATTRIBUTES, Schema
from .port import CONTENT_TYPE
from .schemas import PREFIX, SCHEMAS, EventSchema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE_FILE = "cloudevent.json"


class Plain(GenerateJsonSchema):
    """Without a title for each field, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - as the base class has it
        """Never."""
        return False


def documents(schemas: Sequence[EventSchema] = SCHEMAS) -> dict[str, Schema]:
    """Every file with what belongs into it."""
    files = {file_name(schema): data_schema(schema) for schema in schemas}
    return files | {ENVELOPE_FILE: envelope_schema(schemas)}


def file_name(schema: EventSchema) -> str:
    """One for each major version: it stays for as long as that is published."""
    return f"{PREFIX}.{schema.event.action}.v{schema.major}.json"


def data_schema(schema: EventSchema) -> Schema:
    """The data of an event; complete in itself, so that code can be generated from it."""
    generated = schema.data.model_json_schema(schema_generator=Plain)
    about = {"$schema": DIALECT, "$id": schema.dataschema, "title": schema.data.__name__}
    return about | generated | {"examples": [example_data(schema.data)]}


def envelope_schema(schemas: Sequence[EventSchema] = SCHEMAS) -> Schema:
    """Any message of this service. Takes the schemas of the data by their `$id`; lets types pass that came later."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:event-schema:{PREFIX}",
        "title": "CloudEvent",
        "description": f"An event as it is published, in CloudEvents 1.0 structured JSON ({CONTENT_TYPE}).",
        "type": "object",
        "required": ALWAYS_SENT,
        "properties": dict(ATTRIBUTES),
        "allOf": [
            {
                "if": {"properties": {"type": {"const": schema.type}}},
                "then": {"properties": dataschema_and_data(schema, {"$ref": schema.dataschema})},
            }
            for schema in schemas
        ],
        "examples": [example(schemas[0])],
    }


def dataschema_and_data(schema: EventSchema, data: Schema) -> Schema:
    """The two attributes that differ from event to event; any minor version will do."""
    name = schema.dataschema.rpartition(".")[0].replace(".", r"\.")
    return {"dataschema": {"pattern": rf"^{name}\.[0-9]+$"}, "data": data}


def example(schema: EventSchema) -> Schema:
    """A whole message."""
    attributes = {name: attribute["examples"][0] for name, attribute in ATTRIBUTES.items() if "examples" in attribute}
    return {
        "specversion": "1.0",
        **attributes,
        "type": schema.type,
        "dataschema": schema.dataschema,
        "data": example_data(schema.data),
    }


def example_data(model: type[BaseModel]) -> Schema:
    """Made of the examples of its fields."""
    return {name: field.examples[0] for name, field in model.model_fields.items() if field.examples}


def write(folder: Path) -> Iterator[Path]:
    """Write every file, each at once and whole; gives those there that belong to no event.

    They are left: that an event is no longer published is for a person to decide.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = documents()
    for name, document in written.items():
        new = folder / f".{name}.new"
        new.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        new.replace(folder / name)
    return (file for file in sorted(folder.glob("*.json")) if file.name not in written)
