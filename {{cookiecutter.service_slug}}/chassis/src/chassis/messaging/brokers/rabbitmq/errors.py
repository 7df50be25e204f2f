"""Translates what the client library raises when the broker cannot be used."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from aiormq import exceptions as amqp

from ....errors import Unavailable

BLOCKED = "accepts no messages: it is short of memory or disk"
_AWAY = "cannot be reached"
# The first match counts. The server's texts are not passed on: they name users, hosts and queues.
_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "the certificate of the server is not trusted"),
    (ssl.SSLError, "does not speak TLS as expected"),
    (amqp.ProbableAuthenticationError, "credentials are refused"),
    (amqp.AuthenticationError, "credentials are refused"),
    # Raised if the server closes the connection instead of opening the virtual host.
    (amqp.InvalidFrameError, "no such virtual host, or no access to it"),
    (amqp.ConnectionNotAllowed, "no such virtual host, or no access to it"),
    (amqp.ChannelAccessRefused, "the account lacks some of the rights it needs"),
    (amqp.ChannelPreconditionFailed, "an exchange or queue exists with other arguments"),
    (amqp.ChannelNotFoundEntity, "an exchange or queue is missing"),
    (amqp.ChannelLockedResource, "another process is reading the dead letters"),
    (TimeoutError, "no answer in time"),
)
# The library raises RuntimeError where a channel or connection is used that is already closed.
BROKEN = (amqp.AMQPError, OSError, TimeoutError, RuntimeError)


def unavailable(error: BaseException) -> Unavailable:
    """The error that the port defines, with a reason that may be shown."""
    for cause in _causes(error):
        for kind, reason in _REASONS:
            if isinstance(cause, kind):
                return Unavailable("broker", reason)
    return Unavailable("broker", _AWAY)


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable where RabbitMQ is the reason."""
    try:
        yield
    except BROKEN as error:
        raise unavailable(error) from error
    except asyncio.CancelledError as error:
        # The library cancels whatever waits on a connection that it gives up. This task itself was not cancelled.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise unavailable(error) from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
