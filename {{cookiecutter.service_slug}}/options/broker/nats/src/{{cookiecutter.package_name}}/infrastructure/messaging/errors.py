"""What goes wrong between this service and NATS, in the domain's words."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from nats.errors import Error, NoRespondersError
from nats.js.errors import APIError, ServiceUnavailableError

from ...domain.errors import Unavailable
from .reasons import NO_ANSWER, NO_JETSTREAM, RIGHTS, UNREACHABLE, reason_of_code

# By what the server says in plain words while it turns a connection away.
_BY_WORD = {
    "authorization violation": "credentials are refused",
    "authentication": "credentials are refused",
    "permissions violation": RIGHTS,
    "maximum connections": "too many connections",
}


class NotEncrypted(Error):
    """The URL asks for encryption and the server offers none."""


class NoPassword(Error):
    """The file that should hold the password cannot be read."""


_BY_TYPE: dict[type[Exception], str] = {
    NotEncrypted: "the server does not offer TLS",
    NoPassword: "the password file cannot be read",
    ssl.SSLCertVerificationError: "the certificate of the server is not trusted",
    ssl.SSLError: "TLS fails",
    NoRespondersError: NO_JETSTREAM,
    ServiceUnavailableError: NO_JETSTREAM,
    TimeoutError: NO_ANSWER,
    Error: UNREACHABLE,
    OSError: UNREACHABLE,
}


def reason_of(error: Exception) -> str:
    """Why something failed."""
    if isinstance(error, APIError) and error.err_code is not None:
        return reason_of_code(error.err_code)
    words = str(error).lower()
    said = next((reason for word, reason in _BY_WORD.items() if word in words), None)
    return said or next((reason for type, reason in _BY_TYPE.items() if isinstance(error, type)), UNREACHABLE)


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable where NATS is the reason."""
    try:
        yield
    except (Error, OSError) as error:  # TimeoutError is an OSError
        raise Unavailable("broker", reason_of(error)) from error
