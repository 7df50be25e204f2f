"""The state of the process between start and stop; shared by probes, middleware and server."""

from dataclasses import dataclass


@dataclass(slots=True)
class Lifecycle:
    """State of the process.

    Args:
        started: every required dependency has answered once.
        draining: the process was asked to stop.
    """

    started: bool = False
    draining: bool = False
