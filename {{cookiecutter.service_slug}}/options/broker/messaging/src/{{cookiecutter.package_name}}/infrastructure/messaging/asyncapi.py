"""The AsyncAPI document: what is published and what is taken in, for people and for code generators."""

from collections.abc import Iterable, Iterator, Sequence
from inspect import getdoc
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from .attributes import ALWAYS_SENT, ATTRIBUTES, REQUIRED, Schema
from .consumer import Reaction
from .contracts import Plain, dataschema_and_data, example
from .port import CONTENT_TYPE, channel_of
from .schemas import SCHEMAS, EventSchema
from .subscriptions import Subscriptions, subscriptions

PROTOCOL = "{{ 'amqp' if cookiecutter.broker == 'rabbitmq' else cookiecutter.broker }}"
OWN = "{{ cookiecutter.service_slug }}"
ENVELOPE = "CloudEvent"
HEADERS = {
    "type": "object",
    "description": "beside the message, in the way of the broker",
    "properties": {"content-type": {"const": CONTENT_TYPE}},
}


def document(title: str, version: str, description: str, consumers: Subscriptions | None = None) -> dict[str, Any]:
    """AsyncAPI 3.0.0.

    Args:
        title: what people call the service.
        version: of the service.
        description: what it does.
        consumers: who takes events in; those of the service, unless others are given.
    """
    consumers = subscriptions() if consumers is None else consumers
    own = {schema.type: schema for schema in SCHEMAS}
    foreign = {type: each for reactions in consumers.values() for type, each in reactions.items() if type not in own}
    models = [schema.data for schema in SCHEMAS] + [reaction.data for reaction in foreign.values()]
    references, schemas = _schemas(models)
    messages = {type: _sent(schema, references[schema.data]) for type, schema in own.items()}
    messages |= {type: _taken(type, reaction, references[reaction.data]) for type, reaction in foreign.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": version, "description": description},
        "defaultContentType": CONTENT_TYPE,
        "servers": {"broker": _server()},
        "channels": {channel: _channel(channel, types) for channel, types in _by_channel(messages).items()},
        "operations": dict(_operations(list(own), consumers)),
        "components": {"messages": messages, "schemas": schemas},
    }


def _server() -> Schema:
    return {
        "host": "{host}",
        "protocol": PROTOCOL,
        "description": "The broker that BROKER_URL names.",
        "variables": {"host": {"description": "host and port; another one in each environment"}},
    }


def _channel(address: str, types: Sequence[str]) -> Schema:
    return {
        "address": address,
        "description": "All events of one kind of aggregate, in order for each.",
        "messages": {type: {"$ref": f"#/components/messages/{type}"} for type in types},
    }


def _operations(own: Sequence[str], consumers: Subscriptions) -> Iterator[tuple[str, Schema]]:
    for channel, types in _by_channel(own).items():
        yield f"{OWN}.publish", _operation("send", channel, types, "Publish what has happened")
    for name, reactions in consumers.items():
        for channel, types in _by_channel(reactions).items():
            yield f"{name}.take.{channel}", _operation("receive", channel, types, f"Take in, as {name}")


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


def _sent(schema: EventSchema, data: Schema) -> Schema:
    differs = {"type": {"const": schema.type}, **dataschema_and_data(schema, data)}
    message = _message(schema.type, schema.data, {"required": ALWAYS_SENT, "properties": differs})
    return message | {"examples": [{"name": schema.event.action, "payload": example(schema)}]}


def _taken(type: str, reaction: Reaction, data: Schema) -> Schema:
    """Another service says what it always sends; this one can do with less."""
    return _message(type, reaction.data, {"required": ["data"], "properties": {"type": {"const": type}, "data": data}})


def _message(type: str, data: type[BaseModel], differs: Schema) -> Schema:
    return {
        "name": type,
        "title": data.__name__,
        "summary": getdoc(data),
        "contentType": CONTENT_TYPE,
        "correlationId": {"location": "$message.payload#/correlationid"},
        "headers": HEADERS,
        "payload": {"allOf": [{"$ref": f"#/components/schemas/{ENVELOPE}"}, differs]},
    }


def _schemas(models: Sequence[type[BaseModel]]) -> tuple[dict[type[BaseModel], Schema], dict[str, Schema]]:
    """A reference to each model, and all that these lead to."""
    validated: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in dict.fromkeys(models)]
    template = "#/components/schemas/{model}"
    references, found = models_json_schema(validated, ref_template=template, schema_generator=Plain)
    envelope = {
        "type": "object",
        "description": "CloudEvents 1.0 in structured JSON; there may be more attributes than these.",
        "required": REQUIRED,
        "properties": dict(ATTRIBUTES),
    }
    return {model: references[model, "validation"] for model, _ in validated}, {ENVELOPE: envelope, **found["$defs"]}
