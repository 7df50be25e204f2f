"""A message on its way from the server through a handler."""

from dataclasses import dataclass

from nats.aio.msg import Msg

from .letters import ORIGINAL
from .names import is_replay
from .originals import Original
from .port import Delivery

SHORT_REPLY = 9  # parts


@dataclass(slots=True, eq=False)
class Taken:
    """A message that is here and not settled yet.

    Args:
        delivery: what the handler gets.
        reply: where the server waits for the answer.
        consumer: of the server; answers are taken in by each one after the other.
        origin: names the message among all that ever were.
        original: where it lies; or the one that it stands for, where a letter is replayed that has no body.
        is_whole: whether `delivery` is what was sent, and not only something that stands for it.
    """

    delivery: Delivery
    reply: str
    consumer: str
    origin: str
    original: Original
    is_whole: bool

    @classmethod
    def of(cls, message: Msg) -> "Taken":
        """From a message as it came. Its subject for answers tells the rest; the library reads that at greater length.

        `$JS.ACK.<stream>.<consumer>.<delivered>.<number>.<number for the consumer>.<time>.<pending>`; newer servers may
        put a domain and an account before the stream.
        """
        tokens = message.reply.split(".")
        stream, consumer, delivered, number, _, time = tokens[2:8] if len(tokens) == SHORT_REPLY else tokens[4:10]
        headers = {name: value for name, value in (message.headers or {}).items() if not name.startswith("Nats-")}
        replayed = Original.parse(headers.get(ORIGINAL, "")) if is_replay(message.subject) else None
        return cls(
            Delivery(message.data, headers, int(delivered)),
            message.reply,
            f"{stream}.{consumer}",
            f"{stream} {number} {time}",
            replayed or Original(stream, int(number), int(time), len(message.data)),
            replayed is None,
        )
