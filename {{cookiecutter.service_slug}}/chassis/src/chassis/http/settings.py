"""Settings of the HTTP server, its probes and its shutdown."""

from ipaddress import ip_network
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from ..settings import Section, comma_separated


class HttpSettings(Section, env_prefix="HTTP_"):
    """Where the server listens, and the limits of a request."""

    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 inside a container")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes any free one")
    max_body_bytes: int = Field(65_536, ge=1_024, description="largest request body in bytes")
    timeout_seconds: float = Field(10, gt=0, le=300, description="a request that takes longer is answered 503")
    max_header_bytes: int = Field(
        32_768,
        ge=1_024,
        le=1_048_576,
        description="largest URL and headers of a request, in bytes",
    )
    header_timeout_seconds: float = Field(
        10, gt=0, le=300, description="a request whose headers take longer to arrive is answered 408"
    )
    keep_alive_seconds: int = Field(
        75, ge=1, le=3_600, description="how long an idle connection is kept; more than every proxy in front keeps it"
    )
    max_concurrent_requests: int = Field(
        25, ge=1, le=10_000, description="requests that one process handles at once; further ones wait"
    )
    max_waiting_requests: int = Field(
        400, ge=0, le=100_000, description="requests that wait for that; further ones are answered 503"
    )
    max_wait_seconds: float = Field(1, gt=0, le=60, description="a request that waits longer is answered 503")
    rate_limit: Literal["off", "log", "on"] = Field(
        "log", description="what happens to requests above their caller's quota: nothing, a log line, or 429"
    )
    rate_limit_reads_per_second: int = Field(
        50, ge=1, le=100_000, description="quota of one caller in one process, for GET and HEAD"
    )
    rate_limit_read_burst: int = Field(100, ge=1, le=1_000_000, description="how many of them at once")
    rate_limit_writes_per_second: int = Field(
        20, ge=1, le=100_000, description="quota of one caller in one process, for everything else"
    )
    rate_limit_write_burst: int = Field(40, ge=1, le=1_000_000, description="how many of them at once")
    trusted_proxies: str = Field(
        "",
        description="proxies that are believed about the caller's address: addresses and networks, with commas",
    )
    cors_origins: str = Field(
        "",
        description="origins whose pages may call this service from a browser, with commas: https://shop.example.com",
    )
    hsts_seconds: int = Field(
        31_536_000,
        ge=0,
        description="how long browsers insist on HTTPS, where requests arrive by HTTPS; 0 sends nothing",
    )
    docs: Literal["auto", "on", "off"] = Field("auto", description="/docs; auto is on, and in production off")

    @field_validator("trusted_proxies")
    @classmethod
    def names_networks(cls, value: str) -> str:
        """Refuse what is no address, which would match no proxy."""
        for each in comma_separated(value):
            try:
                ip_network(each)
            except ValueError:
                raise ValueError(f"{each!r} is neither an address nor a network such as 10.0.0.0/8") from None
        return value

    @field_validator("cors_origins")
    @classmethod
    def names_origins(cls, value: str) -> str:
        """Refuse what no browser sends as an origin (RFC 6454), which would match nothing."""
        for each in comma_separated(value):
            if each != "*" and not _is_origin(each):
                raise ValueError(f"{each!r} is no origin such as https://shop.example.com")
        return value

    @property
    def allowed_origins(self) -> list[str]:
        """Origins whose pages may call this service."""
        return list(comma_separated(self.cors_origins))

    @property
    def proxies(self) -> list[str]:
        """Addresses and networks of trusted proxies."""
        return list(comma_separated(self.trusted_proxies))


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and text == f"{parts.scheme}://{parts.netloc}"


class ReadinessSettings(Section, env_prefix="READINESS_"):
    """How long a probe waits."""

    timeout_seconds: float = Field(2, gt=0, le=30, description="time limit of each dependency's check")


class IdempotencySettings(Section, env_prefix="IDEMPOTENCY_"):
    """How long a repeated request is recognized."""

    retention_hours: float = Field(24, gt=0, le=8_760, description="how long responses are kept for their key")


class ShutdownSettings(Section, env_prefix="SHUTDOWN_"):
    """How the server stops. Kubernetes' terminationGracePeriodSeconds must exceed the sum of both."""

    drain_seconds: float = Field(3, ge=0, le=120, description="after SIGTERM: not ready, but still answering")
    grace_seconds: int = Field(25, ge=1, le=600, description="then: how long requests in flight may take")
