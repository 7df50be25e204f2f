"""Dead letters on the command line: list them, look at one, replay or discard them."""

from .commands import dead_letters

__all__ = ["dead_letters"]
