"""Brokers on this machine: where they are, and whether what answers there is one. It takes no client library."""

import json
import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

CONNECT_SECONDS = 3
ENOUGH = 65_536


@dataclass(frozen=True)
class Server:
    """A server that tests may use: they remove what they declare there."""

    name: str
    # The variable that names another one than the default.
    variable: str
    default_url: str
    # What starts it where its program is installed, and in a container where it is not.
    program: str
    start: str
    otherwise: str
    # Its version, from the first words on a new connection; None if it is something else, or of no use.
    greet: Callable[[socket.socket, str], str | None]

    @property
    def url(self) -> str:
        """Where it is."""
        return os.environ.get(self.variable, self.default_url)

    def found(self) -> str | None:
        """Address and version; None if it does not answer."""
        host, port = urlsplit(self.url).hostname, urlsplit(self.url).port or urlsplit(self.default_url).port
        try:
            with socket.create_connection((host or "127.0.0.1", port or 0), CONNECT_SECONDS) as connection:
                version = self.greet(connection, self.url)
        except (OSError, ValueError):
            return None
        return f"{host}:{port}, version {version}" if version else None


def _amqp(connection: socket.socket, _: str) -> str | None:
    """The server's first frame holds its properties."""
    connection.sendall(b"AMQP\x00\x00\x09\x01")
    found = re.search(rb"\x07versionS.{4}([\d.]+)", connection.recv(ENOUGH), re.DOTALL)
    return found[1].decode() if found else None


def _nats(connection: socket.socket, _: str) -> str | None:
    """The server speaks first. One without JetStream keeps nothing."""
    line = connection.makefile("rb").readline()
    info = json.loads(line.removeprefix(b"INFO "))
    return str(info["version"]) if info.get("jetstream") else None


def _redis(connection: socket.socket, url: str) -> str | None:
    login = [unquote(word) for word in (urlsplit(url).username, urlsplit(url).password) if word]
    if login:
        connection.sendall(f"AUTH {' '.join(login)}\r\n".encode())
        if not connection.recv(ENOUGH).startswith(b"+OK"):
            return None
    connection.sendall(b"INFO server\r\n")
    found = re.search(rb"redis_version:([\d.]+)", connection.recv(ENOUGH))
    return found[1].decode() if found else None


SERVERS = {
    "rabbitmq": Server(
        "RabbitMQ",
        "LIVE_RABBITMQ_URL",
        "amqp://guest:guest@127.0.0.1:5672/",
        "rabbitmq-server",
        "service rabbitmq-server start",
        "docker run -d -p 127.0.0.1:5672:5672 rabbitmq:4.2",
        _amqp,
    ),
    "nats": Server(
        "NATS",
        "LIVE_NATS_URL",
        "nats://127.0.0.1:4222",
        "nats-server",
        "nats-server -a 127.0.0.1 -js",
        "docker run -d -p 127.0.0.1:4222:4222 nats:2.12 -js",
        _nats,
    ),
    "redis": Server(
        "Redis",
        "LIVE_REDIS_URL",
        "redis://127.0.0.1:6379/0",
        "redis-server",
        "redis-server --bind 127.0.0.1",
        "docker run -d -p 127.0.0.1:6379:6379 redis:7.4",
        _redis,
    ),
}
