"""JSON Schemas (draft 2020-12) of the events, which other teams build on; a service commits them.

A file for the data of each event in each major version, and one for the envelope around them. They are open: a reader
must ignore what it does not know, because fields and attributes can be added at any time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from ..port import CONTENT_TYPE
from .attributes import ALWAYS_SENT, Schema, attributes
from .catalog import EventCatalog, EventType

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE_FILE = "cloudevent.json"


class WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles of fields, which would only repeat their names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the base class names it
        """Never."""
        return False


def documents(catalog: EventCatalog) -> dict[str, Schema]:
    """The content of every file, by file name."""
    return {file_name(type): data_schema(type) for type in catalog.types} | {ENVELOPE_FILE: envelope_schema(catalog)}


def file_name(type: EventType) -> str:
    """One file for each major version; it stays while that version is published."""
    return f"{type.channel}.{type.schema.event.action}.v{type.schema.major}.json"


def data_schema(type: EventType) -> Schema:
    """The schema of an event's data; complete in itself, so that code can be generated from it."""
    model = type.schema.data
    generated = model.model_json_schema(schema_generator=WithoutTitles)
    about = {"$schema": DIALECT, "$id": type.dataschema, "title": model.__name__}
    return about | generated | {"examples": [example_data(model)]}


def envelope_schema(catalog: EventCatalog) -> Schema:
    """The schema of any message of the service.

    Refers to the schemas of the data by their `$id`; messages of unknown types are valid, because types are added.
    """
    return {
        "$schema": DIALECT,
        "$id": f"urn:event-schema:{catalog.service_name}",
        "title": "CloudEvent",
        "description": f"An event as it is published, in CloudEvents 1.0 structured JSON ({CONTENT_TYPE}).",
        "type": "object",
        "required": ALWAYS_SENT,
        "properties": dict(attributes(catalog)),
        "allOf": [
            {
                "if": {"properties": {"type": {"const": type.name}}},
                "then": {"properties": dataschema_and_data(type, {"$ref": type.dataschema})},
            }
            for type in catalog.types
        ],
        "examples": [example(catalog, catalog.types[0])],
    }


def dataschema_and_data(type: EventType, data: Schema) -> Schema:
    """The schemas of the two attributes that differ between event types; any minor version is valid."""
    name = type.dataschema.rpartition(".")[0].replace(".", r"\.")
    return {"dataschema": {"pattern": rf"^{name}\.[0-9]+$"}, "data": data}


def example(catalog: EventCatalog, type: EventType) -> Schema:
    """A whole message."""
    shown = attributes(catalog).items()
    return {
        "specversion": "1.0",
        **{name: attribute["examples"][0] for name, attribute in shown if "examples" in attribute},
        "type": type.name,
        "dataschema": type.dataschema,
        "data": example_data(type.schema.data),
    }


def example_data(model: type[BaseModel]) -> Schema:
    """The data of a message, from the examples of its fields."""
    return {name: field.examples[0] for name, field in model.model_fields.items() if field.examples}


def write(catalog: EventCatalog, folder: Path) -> Iterator[Path]:
    """Write all files, each of them atomically; returns the files in the folder that belong to no event.

    Those are kept: whether an event may disappear is for a person to decide.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = documents(catalog)
    for name, document in written.items():
        new = folder / f".{name}.new"
        new.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        new.replace(folder / name)
    return (file for file in sorted(folder.glob("*.json")) if file.name not in written)
