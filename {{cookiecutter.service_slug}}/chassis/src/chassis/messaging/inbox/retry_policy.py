"""How often a failing message is tried."""

from dataclasses import dataclass

from ...background import Backoff
from ..port import Dead, Retry, Verdict


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A failing message is retried until it has been tried `attempts` times; then it is dead-lettered."""

    attempts: int
    backoff: Backoff

    def verdict(self, attempt: int, reason: str, attempts: int | None = None) -> Verdict:
        """The verdict on a message whose attempt has failed.

        Args:
            attempt: number of the attempt, from 1.
            reason: of the failure.
            attempts: limit for this kind of failure, if it differs.
        """
        if attempt >= (attempts or self.attempts):
            return Dead(reason)
        return Retry(self.backoff.after(attempt), reason)
