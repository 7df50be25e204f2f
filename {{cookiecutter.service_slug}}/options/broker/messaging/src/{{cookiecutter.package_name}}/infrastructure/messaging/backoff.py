"""How long to wait after failures: twice as long each time up to a limit, and never all at the same moment."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential, with half of it left to chance; both times in seconds."""

    first: float
    longest: float

    def after(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row, at least one."""
        full = min(self.longest, self.first * 2.0 ** min(failures - 1, 32))
        return full * random.uniform(0.5, 1)  # noqa: S311 - no secret
