"""How often a failing message is tried."""

from dataclasses import dataclass

from ...background import Backoff
from ..port import Dead, Retry, Verdict

# How much longer than others a message of an unknown type is retried: a rollout takes minutes.
PATIENCE = 4
# A message that follows on one that is retried waits longer than those retries can take.
FOLLOWERS_PATIENCE = PATIENCE + 1


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A failing message is retried until it has been tried `attempts` times; then it is dead-lettered."""

    attempts: int
    backoff: Backoff

    @property
    def attempts_of_unknown(self) -> int:
        """How often a message of a type that this release does not know is tried."""
        return self.attempts * PATIENCE

    @property
    def attempts_of_followers(self) -> int:
        """How often an event is tried while one before it has not been handled; more than any other message."""
        return self.attempts * FOLLOWERS_PATIENCE

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
