"""librdkafka clients. Each keeps its own connections and reconnects forever, with a growing, random pause."""

import logging
from typing import Any, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient

from ....errors import Unavailable
from .errors import TOO_SLOW, UNREACHABLE, code_of, is_more_specific, unavailable
from .settings import BrokerSettings

# Bounds what librdkafka buffers in each direction, so that memory stays bounded.
BUFFER_KBYTES = 16_384
# Copies of received messages carry a few more headers than the largest message that a server accepts by default.
LARGEST_MESSAGE_BYTES = 1_150_000

_log = structlog.stdlib.get_logger("broker")
# librdkafka logs through the standard library's logging; without this it writes to standard error.
_library_log = logging.getLogger("librdkafka")


class Client(Protocol):
    """The methods that every client has."""

    def poll(self, timeout: float = -1) -> object:
        """Run callbacks."""
        ...

    def set_sasl_credentials(self, username: str, password: str) -> None:
        """Use these for new connections."""
        ...


class Clients:
    """Creates clients, gives each the current password, and remembers why the servers cannot be reached.

    Args:
        settings: the cluster.
        client_id: names the clients in the cluster's logs and quotas.
    """

    def __init__(self, settings: BrokerSettings, client_id: str) -> None:
        self._settings = settings
        self._client_id = client_id
        self._clients: list[Client] = []
        self._password = ""
        self._last_error = 0

    def producer(self) -> Producer:
        """A producer whose messages arrive once and in order during its lifetime."""
        producer = Producer(
            {
                **self._options(),
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 1,
                # Chooses the same partition for a key as the Java client.
                "partitioner": "murmur2_random",
                # A publish that takes too long purges its messages before this time has passed.
                "message.timeout.ms": int(self._settings.publish_timeout_seconds * 2_000),
                "message.max.bytes": LARGEST_MESSAGE_BYTES,
                "queue.buffering.max.kbytes": BUFFER_KBYTES * 4,
            },
            logger=_library_log,
        )
        self._clients.append(producer)
        return producer

    def consumer(self, group: str, **options: str | int | bool) -> Consumer:
        """A consumer in a consumer group.

        Args:
            group: whose offsets it reads and commits.
            options: of librdkafka, with _ for a dot.
        """
        consumer = Consumer(
            {
                **self._options(),
                "group.id": group,
                "auto.offset.reset": "earliest",
                "queued.max.messages.kbytes": BUFFER_KBYTES,
                # By default, a buffer that is full for a moment stops fetching for a second.
                "fetch.queue.backoff.ms": 20,
                **{name.replace("_", "."): value for name, value in options.items()},
            },
            logger=_library_log,
        )
        self._clients.append(consumer)
        return consumer

    def admin(self) -> AdminClient:
        """A client for requests about topics and groups."""
        admin = AdminClient(self._options(), logger=_library_log)
        self._clients.append(admin)
        return admin

    def remove(self, client: Client) -> None:
        """Drop a client that is closed."""
        if client in self._clients:
            self._clients.remove(client)

    def refresh_password(self) -> None:
        """Give the clients the password that the file holds now. Blocks for a moment."""
        if self._settings.user is None or self._settings.password_file is None:
            return
        before = self._password
        self._read_password()
        if self._password != before:
            for client in list(self._clients):
                client.set_sasl_credentials(self._settings.user, self._password)

    def clear_error(self) -> None:
        """A server has answered: the remembered error is obsolete."""
        self._last_error = 0

    def explain(self, error: BaseException | int) -> Unavailable:
        """The exception to raise for an error: names the known cause where the error is only a timeout."""
        code = error if isinstance(error, int) else code_of(error)
        problem = unavailable(code)
        if self._last_error and problem.reason in (UNREACHABLE, TOO_SLOW):
            return unavailable(self._last_error)
        return problem

    def _read_password(self) -> None:
        try:
            self._password = self._settings.read_password()
        except OSError as error:
            _log.warning("cannot read BROKER_PASSWORD_FILE", error=error.strerror)

    def _options(self) -> dict[str, Any]:
        settings = self._settings
        options: dict[str, Any] = {
            "bootstrap.servers": settings.servers,
            "client.id": self._client_id,
            "error_cb": self._remember,
            "log.connection.close": False,
            "reconnect.backoff.ms": 100,
            "reconnect.backoff.max.ms": 5_000,
            "socket.connection.setup.timeout.ms": int(settings.connect_timeout_seconds * 1_000),
            "socket.keepalive.enable": True,
            # After this time, the connection to a silent server is closed.
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
        if is_more_specific(error.code(), self._last_error):
            self._last_error = error.code()
