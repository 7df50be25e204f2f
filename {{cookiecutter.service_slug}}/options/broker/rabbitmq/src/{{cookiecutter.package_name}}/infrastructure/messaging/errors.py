"""What aiormq raises when the broker cannot be used, in the domain's words."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from aiormq import exceptions as amqp

from ...domain.errors import Unavailable

BLOCKED = "takes no messages: it is short of memory or disk"
_AWAY = "cannot be reached"
# The first that fits. Texts of the server are not passed on: they name users, hosts and queues.
_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "the certificate of the server is not trusted"),
    (ssl.SSLError, "does not speak TLS as expected"),
    (amqp.ProbableAuthenticationError, "credentials are refused"),
    (amqp.AuthenticationError, "credentials are refused"),
    # How aiormq tells that the server closed the connection where it should have opened the virtual host.
    (amqp.InvalidFrameError, "no such virtual host, or no access to it"),
    (amqp.ConnectionNotAllowed, "no such virtual host, or no access to it"),
    (amqp.ChannelAccessRefused, "the account has not all the rights it needs"),
    (amqp.ChannelPreconditionFailed, "an exchange or queue exists with other arguments"),
    (amqp.ChannelNotFoundEntity, "an exchange or queue is missing"),
    (amqp.ChannelLockedResource, "somebody else reads the dead letters"),
    (TimeoutError, "no answer in time"),
)
# aiormq raises RuntimeError where a channel or connection is used that is closed already.
BROKEN = (amqp.AMQPError, OSError, TimeoutError, RuntimeError)


def unavailable(error: BaseException) -> Unavailable:
    """The same in the domain's words."""
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
        # aiormq ends so whoever waits for a connection that it gives up. Nobody has cancelled this task.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise unavailable(error) from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
