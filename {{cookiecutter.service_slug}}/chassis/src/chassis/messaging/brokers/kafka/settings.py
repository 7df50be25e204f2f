"""Settings of Kafka: the cluster, how to reach it, and how its topics are created."""

from typing import ClassVar, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, FilePath, SecretStr

from ....settings import REQUIRED_OUTSIDE_LOCAL, ServerSection

PLAIN, ENCRYPTED = "kafka://", "kafka+ssl://"


class BrokerSettings(ServerSection, env_prefix="BROKER_"):
    """The Kafka cluster. Without a URL, events stay within the process, which only ENVIRONMENT=local accepts."""

    schemes: ClassVar = (PLAIN, ENCRYPTED)
    example: ClassVar = f"{PLAIN}user:password@host:port or {ENCRYPTED}..."

    url: SecretStr | None = Field(
        None,
        description="kafka://user:password@host:9092,host:9092 without encryption, kafka+ssl://... with it",
        json_schema_extra=REQUIRED_OUTSIDE_LOCAL,
    )
    password_file: FilePath | None = Field(
        None,
        description="file with the password, instead of one in the URL; a new one is used within seconds",
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512",
        description="SASL mechanism for user and password: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
    )
    tls_ca_file: FilePath | None = Field(None, description="certificates to trust; the system's if not set")
    connect_timeout_seconds: float = Field(2, ge=1, le=60, description="to connect, and for requests about topics")
    publish_timeout_seconds: float = Field(
        5, ge=1, lt=8, description="until events are confirmed; below 8, a database transaction is open meanwhile"
    )
    session_timeout_seconds: float = Field(
        10, ge=2, le=300, description="silence after which a consumer counts as dead and others get its messages"
    )
    topic_partitions: int = Field(12, ge=1, le=1_000, description="of a topic that the service creates")
    topic_replication: int = Field(3, ge=1, le=9, description="replicas of such a topic; 1 where there is one server")

    @classmethod
    def is_parseable(cls, url: str) -> bool:
        """Whether the URL names one or more servers, all with their ports."""
        account, _, servers = url.partition("://")[2].rpartition("@")
        return not set("@/#[]") & set(account) and all(_is_server(server) for server in servers.split(","))

    @property
    def servers(self) -> str:
        """The bootstrap servers: `host:port`, separated by commas."""
        return self.address.partition("://")[2].rpartition("@")[2]

    @property
    def user(self) -> str | None:
        """The SASL user; None where the cluster asks for no credentials."""
        return unquote(urlsplit(self.address).username or "") or None

    @property
    def is_encrypted(self) -> bool:
        """Whether connections use TLS."""
        return self.address.startswith(ENCRYPTED)


def _is_server(text: str) -> bool:
    try:
        parts = urlsplit(f"//{text}")
        return bool(parts.hostname and parts.port) and parts.netloc == text
    except ValueError:
        return False
