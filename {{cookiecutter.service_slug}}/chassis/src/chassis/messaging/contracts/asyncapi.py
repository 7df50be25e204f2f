"""The AsyncAPI document of what a service publishes and consumes, for people and for code generators."""

from collections.abc import Iterable, Iterator, Sequence
from inspect import getdoc

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from ...service import ServiceIdentity
from ..inbox.handlers import EventHandler, Subscriptions, handled
from ..port import CONTENT_TYPE, channel_of
from .attributes import ALWAYS_SENT, REQUIRED, Schema, attributes
from .catalog import EventCatalog, EventType
from .json_schema import WithoutTitles, dataschema_and_data, example

ENVELOPE = "CloudEvent"
HEADERS = {
    "type": "object",
    "description": "beside the message, as the broker carries them",
    "properties": {"content-type": {"const": CONTENT_TYPE}},
}


def document(identity: ServiceIdentity, catalog: EventCatalog, subscriptions: Subscriptions, protocol: str) -> Schema:
    """AsyncAPI 3.0.0.

    Args:
        identity: of the service.
        catalog: the events that it publishes.
        subscriptions: the events that it consumes.
        protocol: AsyncAPI's name for the broker's protocol, such as `PROTOCOL` of an adapter.
    """
    own = catalog.by_name
    foreign = {
        type: handler
        for handlers in subscriptions.values()
        for type, handler in handled(handlers).items()
        if type not in own
    }
    models = [type.schema.data for type in catalog.types] + [handler.data for handler in foreign.values()]
    references, schemas = _schemas(catalog, models)
    messages = {name: _published(catalog, type, references[type.schema.data]) for name, type in own.items()}
    messages |= {name: _consumed(name, handler, references[handler.data]) for name, handler in foreign.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": identity.title, "version": identity.version, "description": identity.description},
        "defaultContentType": CONTENT_TYPE,
        "servers": {"broker": _server(protocol)},
        "channels": {channel: _channel(channel, types) for channel, types in _by_channel(messages).items()},
        "operations": dict(_operations(own, subscriptions)),
        "components": {"messages": messages, "schemas": schemas},
    }


def _server(protocol: str) -> Schema:
    return {
        "host": "{host}",
        "protocol": protocol,
        "description": "The broker that BROKER_URL names.",
        "variables": {"host": {"description": "host and port; different in each environment"}},
    }


def _channel(address: str, types: Sequence[str]) -> Schema:
    return {
        "address": address,
        "description": "All events of one kind of aggregate, in order for each.",
        "messages": {type: {"$ref": f"#/components/messages/{type}"} for type in types},
    }


def _operations(own: Iterable[str], subscriptions: Subscriptions) -> Iterator[tuple[str, Schema]]:
    for channel, types in _by_channel(own).items():
        yield f"{channel}.publish", _operation("send", channel, types, f"Publish events of {channel}")
    for name, handlers in subscriptions.items():
        for channel, types in _by_channel(handled(handlers)).items():
            yield f"{name}.consume.{channel}", _operation("receive", channel, types, f"Consume as {name}")


def _operation(action: str, channel: str, types: Sequence[str], title: str) -> Schema:
    return {
        "action": action,
        "title": title,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{type}"} for type in types],
    }


def _by_channel(types: Iterable[str]) -> dict[str, list[str]]:
    channels: dict[str, list[str]] = {}
    for type in types:
        channels.setdefault(channel_of(type), []).append(type)
    return channels


def _published(catalog: EventCatalog, type: EventType, data: Schema) -> Schema:
    differs = {"type": {"const": type.name}, **dataschema_and_data(type, data)}
    message = _message(type.name, type.schema.data, {"required": ALWAYS_SENT, "properties": differs})
    return message | {"examples": [{"name": type.schema.event.action, "payload": example(catalog, type)}]}


def _consumed(name: str, handler: EventHandler, data: Schema) -> Schema:
    """Another service documents what it always sends; this one needs less."""
    differs = {"type": {"const": name}, "data": data}
    return _message(name, handler.data, {"required": ["data"], "properties": differs})


def _message(name: str, data: type[BaseModel], differs: Schema) -> Schema:
    return {
        "name": name,
        "title": data.__name__,
        "summary": getdoc(data),
        "contentType": CONTENT_TYPE,
        "correlationId": {"location": "$message.payload#/correlationid"},
        "headers": HEADERS,
        "payload": {"allOf": [{"$ref": f"#/components/schemas/{ENVELOPE}"}, differs]},
    }


def _schemas(
    catalog: EventCatalog, models: Sequence[type[BaseModel]]
) -> tuple[dict[type[BaseModel], Schema], dict[str, Schema]]:
    """A reference to each model, and all schemas that the references lead to."""
    validated: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in dict.fromkeys(models)]
    template = "#/components/schemas/{model}"
    references, found = models_json_schema(validated, ref_template=template, schema_generator=WithoutTitles)
    envelope = {
        "type": "object",
        "description": "CloudEvents 1.0 in structured JSON; there may be more attributes than these.",
        "required": REQUIRED,
        "properties": dict(attributes(catalog)),
    }
    return {model: references[model, "validation"] for model, _ in validated}, {ENVELOPE: envelope, **found["$defs"]}
