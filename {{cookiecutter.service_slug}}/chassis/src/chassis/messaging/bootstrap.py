"""The part of a service's composition root that the commands for messages use."""

from typing import TYPE_CHECKING, Any, Protocol, cast

from ..cli import Context, WorkerBootstrap

if TYPE_CHECKING:
    from ..http.application import Service
    from .contracts.catalog import EventCatalog
    from .inbox.handlers import Subscriptions
    from .port import Broker


class MessagingBootstrap(WorkerBootstrap, Protocol):
    """The composition root of a service that publishes and consumes messages; its module `bootstrap` has these names.

    `PROTOCOL` is AsyncAPI's name for the broker's protocol, which each broker adapter exports.
    """

    @property
    def CATALOG(self) -> "EventCatalog": ...  # noqa: N802 - a constant of the module

    @property
    def PROTOCOL(self) -> str: ...  # noqa: N802 - a constant of the module

    def create_worker_service(self, settings: Any) -> "Service":
        """The process that publishes and consumes, and serves the operations endpoints only."""
        ...

    def create_broker(self, settings: Any) -> "Broker":
        """The broker that the settings name, not opened."""
        ...

    def create_subscriptions_in_memory(self) -> "Subscriptions":
        """The handlers of each consumer, independent of any server; they are documented, not called."""
        ...


def messaging_bootstrap(context: Context) -> MessagingBootstrap:
    """The composition root of the service whose command runs."""
    return cast(MessagingBootstrap, context.bootstrap())
