"""The figures of a chaos run."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from .judge import Verdict
from .load import Ledger


@dataclass(frozen=True, kw_only=True)
class ChaosReport:
    """The changes of a run, the disturbances meanwhile, and their outcome.

    Args:
        ledger: what was acknowledged.
        disturbances: how often each happened.
        counters: metrics of the workers; they miss a worker's last moments before a kill.
        verdict: on the events of acknowledged changes.
        dead_letters: how many messages were dead-lettered.
    """

    ledger: Ledger
    disturbances: Counter[str]
    counters: Counter[str]
    verdict: Verdict
    dead_letters: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing was refused, lost, applied twice, out of order or dead-lettered."""
        return (self.ledger.refused, self.verdict, self.dead_letters) == ([], Verdict(), 0)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield "  " + ", ".join(f"{name} {count}x" for name, count in sorted(self.disturbances.items()))
        rows: dict[str, int] = {
            "acknowledged changes": self.ledger.answers,
            "events of these": self.ledger.events,
            "requests repeated": self.ledger.repeated,
            "published (seen)": self.counters["outbox_published_total"],
            "delivered (seen)": sum(
                count for name, count in self.counters.items() if name.startswith("consumer_messages_total")
            ),
            "duplicates dropped (seen)": self.counters["consumer_messages_total duplicate"],
            "retried (seen)": self.counters["consumer_messages_total retried"],
            "dead-lettered": self.dead_letters,
            "out of order": self.verdict.out_of_order,
            "applied twice": self.verdict.twice,
            "lost": self.verdict.lost,
        }
        for name, count in rows.items():
            yield f"  {name:<28} {count:>8}"
        yield from (f"  refused: {each}" for each in self.ledger.refused[:10])
