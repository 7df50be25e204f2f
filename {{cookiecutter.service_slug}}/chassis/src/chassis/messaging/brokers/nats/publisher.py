"""Publishes many messages at once and counts their confirmations."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from .acks import TOO_LARGE, read_ack

_AROUND_HEADERS = len(b"NATS/1.0\r\n\r\n")
_AROUND_HEADER = len(b": \r\n")


@dataclass(slots=True)
class OutgoingMessage:
    """A message to publish."""

    subject: str
    body: bytes
    headers: dict[str, str]

    @property
    def size(self) -> int:
        """The size that the server compares with its limit; the library considers the body alone."""
        lines = sum(len(name) + len(value.encode()) + _AROUND_HEADER for name, value in self.headers.items())
        return _AROUND_HEADERS + lines + len(self.body)


@dataclass(slots=True)
class _Batch:
    """Messages and their answers: CONFIRMED, the server's error code, or None while there is none."""

    answers: list[int | None]
    left: int
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, index: int, answer: int) -> None:
        if self.answers[index] is None:
            self.answers[index] = answer
            self.left -= 1
            if not self.left:
                self.done.set()


class ConfirmingPublisher:
    """Publishing over one connection.

    The library's own `publish` of JetStream waits for each confirmation by itself. Here all messages in flight share
    one subscription, and the subject of an answer names its message.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = ""
        self._numbers = count(1)
        self._batches: dict[str, _Batch] = {}
        self._lost = False

    @property
    def answers(self) -> str:
        """The subject of all confirmations; `receive` expects them."""
        self._inbox = self._inbox or self._client.new_inbox()
        return f"{self._inbox}.*.*"

    async def publish(self, messages: Sequence[OutgoingMessage], deadline: float) -> Sequence[int | None]:
        """Publish all of them, in order, and wait for the answers while the connection lasts.

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
                    if self._lost:
                        break
                    if message.size > self._client.max_payload:
                        batch.answer(index, TOO_LARGE)
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

    def connection_lost(self) -> None:
        """Stop waiting: no answer will come any more."""
        self._lost = True
        for batch in self._batches.values():
            batch.done.set()

    async def receive(self, answer: Msg) -> None:
        """Called by the library for each confirmation."""
        _, number, index = answer.subject.rsplit(".", 2)
        batch = self._batches.get(number)
        if batch is not None:
            batch.answer(int(index), read_ack(answer))
