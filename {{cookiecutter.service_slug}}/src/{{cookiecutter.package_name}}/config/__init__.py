"""Settings from the environment; nothing else in the service reads it."""

from .environment import Environment
from .errors import InvalidSettings
from .settings import Settings, load_settings

__all__ = ["Environment", "InvalidSettings", "Settings", "load_settings"]
