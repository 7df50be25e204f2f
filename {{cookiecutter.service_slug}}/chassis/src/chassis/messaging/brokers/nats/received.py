"""A message between the server and its handler."""

from dataclasses import dataclass

from nats.aio.msg import Msg

from ...port import Delivery
from .dead_letter_headers import ORIGINAL, OURS, RETURNED_ATTEMPTS
from .names import is_replay
from .originals import Original

SHORT_REPLY = 9  # parts


@dataclass(slots=True, eq=False)
class ReceivedMessage:
    """A message that is not settled yet.

    Args:
        delivery: for the handler.
        reply: the subject on which the server waits for the acknowledgement.
        consumer: of the server, which reads the acknowledgements of each consumer in order.
        origin: identifies the message among all messages ever.
        original: where it is stored; for a replayed dead letter without a body, the message that it stands for.
        is_whole: whether `delivery` is the message as it was sent, and not a dead letter without a body.
    """

    delivery: Delivery
    reply: str
    consumer: str
    origin: str
    original: Original
    is_whole: bool

    @classmethod
    def of(cls, message: Msg) -> "ReceivedMessage":
        """From a message of the library. Its reply subject holds the rest; the library's own parsing is slower.

        `$JS.ACK.<stream>.<consumer>.<delivered>.<number>.<number for the consumer>.<time>.<pending>`; newer servers may
        put a domain and an account before the stream.
        """
        tokens = message.reply.split(".")
        stream, consumer, delivered, number, _, time = tokens[2:8] if len(tokens) == SHORT_REPLY else tokens[4:10]
        headers = {name: value for name, value in (message.headers or {}).items() if not name.startswith("Nats-")}
        replayed, before = None, 0
        if is_replay(message.subject):
            replayed, text = Original.parse(headers.get(ORIGINAL, "")), headers.get(RETURNED_ATTEMPTS, "")
            before = int(text) if text.isdecimal() else 0
            headers = {name: value for name, value in headers.items() if name not in OURS}
        return cls(
            Delivery(message.data, headers, before + int(delivered)),
            message.reply,
            f"{stream}.{consumer}",
            f"{stream} {number} {time}",
            replayed or Original(stream, int(number), int(time), len(message.data)),
            replayed is None,
        )
