"""The state of the process between start and stop; shared by probes, middleware and server."""

from dataclasses import dataclass, field

from .overload import RequestLoad


@dataclass(slots=True)
class Lifecycle:
    """State of the process.

    Args:
        started: every required dependency has answered once.
        draining: the process was asked to stop.
        load: requests that it has taken on.
    """

    started: bool = False
    draining: bool = False
    load: RequestLoad = field(default_factory=RequestLoad)
