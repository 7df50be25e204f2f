"""The identity of the service that the chassis runs in."""

from dataclasses import dataclass
from importlib.metadata import metadata
from typing import Self


@dataclass(frozen=True, slots=True)
class ServiceIdentity:
    """Names the service in logs, traces, events, problem types and connections.

    Args:
        name: of its distribution, such as `billing-service`; the first part of its event types.
        title: what people call it.
        version: of its release.
        description: what it does, in one sentence.
        template: version of the template that it was generated from.
    """

    name: str
    title: str
    version: str
    description: str
    template: str = ""

    @classmethod
    def of_distribution(cls, name: str, title: str, template: str = "") -> Self:
        """Read version and description from the metadata of the installed distribution."""
        about = metadata(name)
        return cls(about["Name"], title, about["Version"], about["Summary"], template)
