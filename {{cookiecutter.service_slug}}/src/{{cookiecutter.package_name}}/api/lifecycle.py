"""Where the process stands between start and stop; shared by probes, middleware and server."""

from dataclasses import dataclass


@dataclass(slots=True)
class Lifecycle:
    """`started` turns true once every dependency has answered; `draining` once the process was asked to end."""

    started: bool = False
    draining: bool = False
