"""Translates what the client library raises when the broker cannot be used."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from nats.errors import Error, NoRespondersError
from nats.js.errors import APIError, ServiceUnavailableError

from ....errors import Unavailable
from .reasons import NO_ANSWER, NO_JETSTREAM, RIGHTS, UNREACHABLE, reason_of_code

# By the words with which the server refuses a connection.
_BY_WORD = {
    "authorization violation": "credentials are refused",
    "authentication": "credentials are refused",
    "permissions violation": RIGHTS,
    "maximum connections": "too many connections",
}


class NotEncrypted(Error):
    """The URL asks for TLS and the server offers none."""


class NoPassword(Error):
    """The password file cannot be read."""


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
    """Why an operation failed."""
    if isinstance(error, APIError) and error.err_code is not None:
        return reason_of_code(error.err_code)
    words = str(error).lower()
    known = next((reason for word, reason in _BY_WORD.items() if word in words), None)
    return known or next((reason for type, reason in _BY_TYPE.items() if isinstance(error, type)), UNREACHABLE)


@contextmanager
def unavailable_errors() -> Iterator[None]:
    """Raise Unavailable where NATS is the reason."""
    try:
        yield
    except (Error, OSError) as error:  # TimeoutError is an OSError
        raise Unavailable("broker", reason_of(error)) from error
