"""Which Kafka, how to reach it, and how its topics are made."""

from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, FilePath, SecretStr, field_validator

from .guard import REQUIRED_OUTSIDE_LOCAL
from .section import Section

PLAIN, ENCRYPTED = "kafka", "kafka+ssl"


class BrokerSettings(Section, env_prefix="BROKER_"):
    """Where events go and come from. Without a URL they stay in the process, which only ENVIRONMENT=local accepts."""

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
        description="how user and password are shown: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
    )
    tls_ca_file: FilePath | None = Field(None, description="certificates to trust; the system's if not set")
    connect_timeout_seconds: float = Field(2, ge=1, le=60, description="to connect, and for questions about topics")
    publish_timeout_seconds: float = Field(
        5, ge=1, lt=8, description="until events are confirmed; below 8, a database transaction is open meanwhile"
    )
    session_timeout_seconds: float = Field(
        10, ge=2, le=300, description="after this silence a process counts as dead and others get its messages"
    )
    topic_partitions: int = Field(12, ge=1, le=1_000, description="of a topic that the service makes")
    topic_replication: int = Field(3, ge=1, le=9, description="copies of it; 1 where there is one server")

    @field_validator("url")
    @classmethod
    def is_readable(cls, url: SecretStr | None) -> SecretStr | None:
        """What the client library would misread shows up late and unclear."""
        if url is None:
            return None
        scheme, separator, rest = url.get_secret_value().partition("://")
        if not separator or scheme not in (PLAIN, ENCRYPTED):
            raise ValueError(f"must look like {PLAIN}://user:password@host:port or {ENCRYPTED}://...")
        if "?" in rest:
            raise ValueError("takes no options after a `?`; there is a variable for each")
        account, _, servers = rest.rpartition("@")
        if set("@/#[]") & set(account):
            raise ValueError("cannot be read; / @ : # [ ] % in a password are written %2F %40 %3A %23 %5B %5D %25")
        if not all(_is_server(server) for server in servers.split(",")):
            raise ValueError("cannot be read; it ends with host:port, or several of them with commas between")
        return url

    @property
    def address(self) -> str:
        """The URL. Raises ValueError if there is none."""
        if self.url is None:
            raise ValueError("BROKER_URL is not set")
        return self.url.get_secret_value()

    @property
    def servers(self) -> str:
        """host:port of the servers to begin with, with commas between."""
        return self.address.partition("://")[2].rpartition("@")[2]

    @property
    def user(self) -> str | None:
        """Whom to be; None where the cluster asks for nobody."""
        return unquote(self._account.partition(":")[0]) or None

    @property
    def is_encrypted(self) -> bool:
        """Whether connections use TLS."""
        return self.address.startswith(f"{ENCRYPTED}://")

    def read_password(self) -> str:
        """The password: what the file holds now, else what the URL holds. Raises OSError."""
        if self.password_file is not None:
            return self.password_file.read_text().strip()
        return unquote(self._account.partition(":")[2])

    @property
    def _account(self) -> str:
        return self.address.partition("://")[2].rpartition("@")[0]


def _is_server(text: str) -> bool:
    try:
        parts = urlsplit(f"//{text}")
        return bool(parts.hostname and parts.port) and parts.netloc == text
    except ValueError:
        return False
