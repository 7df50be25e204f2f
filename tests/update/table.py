"""One line for each update, at the end of the run."""

from collections.abc import Callable, Sequence

from tests.report import UPDATES

Record = Callable[[str, object], None]


def row(record: Record, update: str, edit: str, conflicts: Sequence[str], *results: str) -> None:
    """Record what became of an edit. `update`: the service, from where and to where."""
    shown = ["conflict: " + ", ".join(conflicts) if conflicts else "no conflict", *results]
    record(UPDATES, f"{update:<28} {edit:<24} {', '.join(shown)}")
