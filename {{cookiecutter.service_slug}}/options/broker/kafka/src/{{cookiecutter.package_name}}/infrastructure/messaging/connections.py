"""Clients of librdkafka. Each keeps its own connections and makes them again for ever, with a growing, random pause."""

import logging
from typing import Any, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient

from ...config.broker import BrokerSettings
from ...domain.errors import Unavailable
from .errors import AWAY, SLOW, code_of, tells_more, unavailable

# A whole number of bytes that librdkafka may hold back in each direction, so that memory stays bounded.
BUFFER_KBYTES = 16_384
# Copies of what came in carry a few headers more than the largest message that a server accepts by default.
LARGEST_MESSAGE_BYTES = 1_150_000

_log = structlog.stdlib.get_logger("broker")
# librdkafka tells through the standard library's logging; without this it writes to standard error.
_library_log = logging.getLogger("librdkafka")


class Client(Protocol):
    """What every client can do."""

    def poll(self, timeout: float = -1) -> object:
        """Let it tell what has happened."""
        ...

    def set_sasl_credentials(self, username: str, password: str) -> None:
        """Use these for new connections."""
        ...


class Connections:
    """Makes clients, gives each the newest password, and remembers why the servers cannot be reached."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._clients: list[Client] = []
        self._password = ""
        self._trouble = 0

    def producer(self) -> Producer:
        """A producer whose messages arrive once and in order, as long as it lives."""
        producer = Producer(
            {
                **self._options(),
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 1,
                # The same partition for a key as the Java client chooses.
                "partitioner": "murmur2_random",
                # A publish that takes too long purges its messages before this time is over.
                "message.timeout.ms": int(self._settings.publish_timeout_seconds * 2_000),
                "message.max.bytes": LARGEST_MESSAGE_BYTES,
                "queue.buffering.max.kbytes": BUFFER_KBYTES * 4,
            },
            logger=_library_log,
        )
        self._clients.append(producer)
        return producer

    def consumer(self, group: str, **options: str | int | bool) -> Consumer:
        """A consumer under a group's name.

        Args:
            group: whose offsets it reads and writes.
            options: of librdkafka, with _ for a dot.
        """
        consumer = Consumer(
            {
                **self._options(),
                "group.id": group,
                "auto.offset.reset": "earliest",
                "queued.max.messages.kbytes": BUFFER_KBYTES,
                # Full for a moment is no reason to fetch nothing for a second.
                "fetch.queue.backoff.ms": 20,
                **{name.replace("_", "."): value for name, value in options.items()},
            },
            logger=_library_log,
        )
        self._clients.append(consumer)
        return consumer

    def admin(self) -> AdminClient:
        """For questions about topics and groups."""
        admin = AdminClient(self._options(), logger=_library_log)
        self._clients.append(admin)
        return admin

    def forget(self, client: Client) -> None:
        """It was closed."""
        if client in self._clients:
            self._clients.remove(client)

    def renew_password(self) -> None:
        """Give the clients what the file holds now. Blocks for a moment."""
        if self._settings.user is None or self._settings.password_file is None:
            return
        before = self._password
        self._read_password()
        if self._password != before:
            for client in list(self._clients):
                client.set_sasl_credentials(self._settings.user, self._password)

    def answered(self) -> None:
        """A server has answered: what was wrong before is over."""
        self._trouble = 0

    def why(self, error: BaseException | int) -> Unavailable:
        """What to raise for an error: the cause that is known, where the error only says that time was up."""
        code = error if isinstance(error, int) else code_of(error)
        refusal = unavailable(code)
        if self._trouble and refusal.reason in (AWAY, SLOW):
            return unavailable(self._trouble)
        return refusal

    def _read_password(self) -> None:
        try:
            self._password = self._settings.read_password()
        except OSError as error:
            _log.warning("cannot read BROKER_PASSWORD_FILE", error=error.strerror)

    def _options(self) -> dict[str, Any]:
        settings = self._settings
        options: dict[str, Any] = {
            "bootstrap.servers": settings.servers,
            "client.id": "{{ cookiecutter.service_slug }}",
            "error_cb": self._remember,
            "log.connection.close": False,
            "reconnect.backoff.ms": 100,
            "reconnect.backoff.max.ms": 5_000,
            "socket.connection.setup.timeout.ms": int(settings.connect_timeout_seconds * 1_000),
            "socket.keepalive.enable": True,
            # A server that has gone silent is given up after this time.
            "socket.timeout.ms": 10_000,
            "security.protocol": ("SASL_" if settings.user else "") + ("SSL" if settings.is_encrypted else "PLAINTEXT"),
        }
        if settings.tls_ca_file is not None:
            options["ssl.ca.location"] = str(settings.tls_ca_file)
        if settings.user is not None:
            self._read_password()
            options["sasl.mechanism"] = settings.sasl_mechanism
            options["sasl.username"] = settings.user
            options["sasl.password"] = self._password
        return options

    def _remember(self, error: KafkaError) -> None:
        if tells_more(error.code(), self._trouble):
            self._trouble = error.code()
