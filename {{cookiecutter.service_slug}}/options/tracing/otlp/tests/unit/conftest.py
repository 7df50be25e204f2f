"""Spans are recorded, so that log lines carry the ids of their traces."""

import pytest
from chassis.testing.otlp.memory import recorded_spans


@pytest.fixture(autouse=True, scope="session")
def tracer_provider() -> None:
    """A process sets it once."""
    recorded_spans()
