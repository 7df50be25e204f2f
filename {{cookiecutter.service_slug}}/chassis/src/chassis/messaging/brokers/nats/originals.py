"""Where a message is stored in its stream. A dead letter without a body names it, and a replay reads it there."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from .session import Session

_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Original:
    """A message as it was received.

    Args:
        stream: that stores it.
        number: in the stream.
        time: when it was stored, in nanoseconds since 1970: a stream that is created again counts from the beginning.
        size: of its body in bytes.
    """

    stream: str
    number: int
    time: int
    size: int

    @classmethod
    def parse(cls, text: str) -> "Original | None":
        """From a header; None if it names no message."""
        match text.split(" "):
            case [stream, *numbers] if len(numbers) == 3 and all(number.isdecimal() for number in numbers):
                return cls(stream, *map(int, numbers))
        return None

    def __str__(self) -> str:
        """For a header."""
        return f"{self.stream} {self.number} {self.time} {self.size}"

    @property
    def place(self) -> str:
        """For people."""
        return f"number {self.number} of stream {self.stream}"

    async def fetch(self, session: Session) -> RawStreamMsg:
        """The message. Raises NotFoundError if it no longer exists, nats.errors.Error."""
        stored = await session.jetstream.get_msg(self.stream, seq=self.number)
        if stored.time is None or (stored.time - _EPOCH) // timedelta(microseconds=1) != self.time // 1_000:
            raise NotFoundError
        return stored
