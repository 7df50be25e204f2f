"""How events are published and consumed."""

from pydantic import Field

from ..settings import Section


class OutboxSettings(Section, env_prefix="OUTBOX_"):
    """How events are published."""

    batch_size: int = Field(500, ge=1, le=5_000, description="events that are published at once")
    late_seconds: float = Field(60, gt=0, description="readiness reports `degraded` when an event waits longer")


class ConsumerSettings(Section, env_prefix="CONSUMER_"):
    """How messages are consumed, and what happens when one fails."""

    concurrency: int = Field(32, ge=1, le=1_000, description="messages handled at once by one process")
    attempts: int = Field(8, ge=1, le=50, description="how often a message is tried before it is dead-lettered")
    backoff_seconds: float = Field(0.2, gt=0, le=60, description="pause after the first failure; it doubles")
    backoff_max_seconds: float = Field(30, gt=0, le=3_600, description="longest pause between two attempts")
    inbox_hours: float = Field(168, gt=0, le=8_760, description="how long a redelivered message is recognized")


class WorkerSettings(Section, env_prefix="WORKER_"):
    """The process that publishes and consumes, where it is not the one that serves requests."""

    port: int = Field(8001, ge=0, le=65535, description="port of its health endpoints; 0 takes any free one")
