"""Settings of the HTTP server, its probes and its shutdown."""

from pydantic import Field

from ..settings import Section


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
