"""Note in the history what has happened to {{ cookiecutter.__a_noun }}."""

from ..history import Early, History, HistoryEntry


class Record:
    """Keeps the history without gaps and in order, whatever order the events come in. Raises Early."""

    async def __call__(self, history: History, entry: HistoryEntry) -> None:
        last = await history.last_version(entry.aggregate_id)
        if entry.version > last + 1:
            raise Early(entry.version, last)
        if entry.version > last:
            await history.add(entry)
