"""The commands of a service that publishes and consumes messages.

main = create_cli("billing-service", ..., has_worker=True)
for command in COMMANDS:
    main.add_command(command)
"""

from dataclasses import replace

import click

from ..cli import Context
from .bootstrap import messaging_bootstrap
from .dead_letters import dead_letters


@click.command("worker")
@click.pass_obj
def worker(context: Context) -> None:
    """Publish and consume events until SIGTERM or Ctrl-C; any number of workers may run."""
    settings = context.settings()
    if settings.broker.url is None:
        raise click.UsageError("BROKER_URL is not set: name the broker to publish to, or use `serve --worker`")
    service = messaging_bootstrap(context).create_worker_service(settings)
    # It serves no clients that would have to be drained first.
    settings = replace(
        settings,
        http=settings.http.model_copy(update={"port": settings.worker.port}),
        shutdown=settings.shutdown.model_copy(update={"drain_seconds": 0}),
    )
    context.serve(service, settings, port_setting="WORKER_PORT")


@click.command("asyncapi")
@click.pass_obj
def asyncapi(context: Context) -> None:
    """Print the AsyncAPI document: which events are published and consumed."""
    import orjson

    from .contracts.asyncapi import document

    root = messaging_bootstrap(context)
    described = document(root.SERVICE, root.CATALOG, root.create_subscriptions_in_memory(), root.PROTOCOL)
    click.echo(orjson.dumps(described, option=orjson.OPT_INDENT_2))


@click.command("event-schemas")
@click.argument("folder", type=click.Path(file_okay=False))
@click.pass_obj
def event_schemas(context: Context, folder: str) -> None:
    """Write a JSON Schema for each published event, and one for the envelope around them."""
    from pathlib import Path

    from .contracts.json_schema import write

    for stale in write(messaging_bootstrap(context).CATALOG, Path(folder)):
        click.echo(f"{stale}: no event is published like this; delete it if it has no reader", err=True)


COMMANDS: tuple[click.Command, ...] = (worker, dead_letters, asyncapi, event_schemas)
