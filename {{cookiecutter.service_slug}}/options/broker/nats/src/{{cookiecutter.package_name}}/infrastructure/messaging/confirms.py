"""Publishes many messages in one go and counts their confirmations."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from .answers import TOO_LARGE, read_answer

_AROUND_HEADERS = len(b"NATS/1.0\r\n\r\n")
_AROUND_HEADER = len(b": \r\n")


@dataclass(slots=True)
class Outgoing:
    """A message as it goes over the wire."""

    subject: str
    body: bytes
    headers: dict[str, str]

    @property
    def size(self) -> int:
        """What the server holds against its limit; the library thinks of the body alone."""
        lines = sum(len(name) + len(value.encode()) + _AROUND_HEADER for name, value in self.headers.items())
        return _AROUND_HEADERS + lines + len(self.body)


@dataclass(slots=True)
class _Batch:
    """Messages that wait for their confirmations: CONFIRMED, the server's error code, or None as long as none came."""

    answers: list[int | None]
    left: int
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, index: int, answer: int) -> None:
        if self.answers[index] is None:
            self.answers[index] = answer
            self.left -= 1
            if not self.left:
                self.done.set()


class Confirms:
    """Publishing over one connection.

    The library's own `publish` waits for each confirmation by itself. Here all that are on their way share one
    subscription, and the subject of an answer says which message it is for.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = ""
        self._numbers = count(1)
        self._batches: dict[str, _Batch] = {}
        self._given_up = False

    async def start(self) -> None:
        """Listen for confirmations."""
        self._inbox = self._client.new_inbox()
        await self._client.subscribe(f"{self._inbox}.*.*", cb=self._take, pending_bytes_limit=0)

    async def send(self, messages: Sequence[Outgoing], deadline: float) -> Sequence[int | None]:
        """Publish all of them, in order, and wait for the answers as long as the connection lasts.

        Args:
            messages: what to publish.
            deadline: on the clock of the event loop.

        Returns:
            for each CONFIRMED, TOO_LARGE, an error code, or None where no answer came.
        """
        number = str(next(self._numbers))
        batch = self._batches[number] = _Batch([None] * len(messages), len(messages))
        try:
            async with asyncio.timeout_at(deadline):
                for index, message in enumerate(messages):
                    if self._given_up:
                        break
                    if message.size > self._client.max_payload:
                        batch.take(index, TOO_LARGE)
                        continue
                    reply = f"{self._inbox}.{number}.{index}"
                    await self._client.publish(message.subject, message.body, reply, message.headers)
                else:
                    await batch.done.wait()
        except (Error, OSError):  # TimeoutError is an OSError
            pass
        finally:
            del self._batches[number]
        return batch.answers

    def give_up(self) -> None:
        """The connection is gone: no answer will come any more."""
        self._given_up = True
        for batch in self._batches.values():
            batch.done.set()

    async def _take(self, answer: Msg) -> None:
        _, number, index = answer.subject.rsplit(".", 2)
        batch = self._batches.get(number)
        if batch is not None:
            batch.take(int(index), read_answer(answer))
