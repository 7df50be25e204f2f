"""Settings from the environment: grouped in sections, validated before anything starts, documented from the code."""

from .environment import Environment
from .errors import InvalidSettings
from .guard import REQUIRED_OUTSIDE_LOCAL
from .load import load_settings, sections
from .section import Section, comma_separated
from .server import ServerSection
from .service import ServiceSettings
from .spelling import misspelled

__all__ = [
    "REQUIRED_OUTSIDE_LOCAL",
    "Environment",
    "InvalidSettings",
    "Section",
    "ServerSection",
    "ServiceSettings",
    "comma_separated",
    "load_settings",
    "misspelled",
    "sections",
]
