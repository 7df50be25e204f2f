"""The command `log-level`."""

from collections.abc import Callable
from itertools import accumulate
from typing import Any, Protocol

import click

# The commands that run a server; a service's messaging adds the second one.
SERVING = frozenset({"serve", "worker"})


class CommandContext(Protocol):
    """The part of `chassis.cli.Context` that this command uses."""

    @property
    def name(self) -> str:
        """The name of the service's distribution."""
        ...

    @property
    def settings_class(self) -> Callable[[], type[Any]]:
        """Imports and returns the service's Settings."""
        ...


@click.command("log-level")
@click.argument("level", type=click.Choice(["debug", "reset"]))
@click.option(
    "--pid", default=1, show_default=True, type=click.IntRange(min=1), help="Of the process; 1 in a container."
)
@click.pass_obj
def log_level(context: CommandContext, level: str, pid: int) -> None:
    """Log at debug in a running process for 15 minutes, or reset its level."""
    from .log_level_request import CannotSwitch, request_log_level

    # A service is started by the name of its distribution or as a package (`python -m`), one of those of its settings.
    packages = accumulate(context.settings_class().__module__.split("."), "{}.{}".format)
    try:
        request_log_level(pid, level, programs={context.name, *packages}, commands=SERVING)
    except CannotSwitch as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"signaled process {pid}; its log reports the change")
