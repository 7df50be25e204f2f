"""What comes back for a message that was published."""

import orjson
from nats.aio.msg import Msg

CONFIRMED = 0
NO_STREAM = -1  # nobody listens on the subject
NO_SENSE = -2  # somebody listens who is no stream
TOO_LARGE = -3  # not even sent: the server would end the connection
# By ourselves, by a limit that somebody has set for the stream, and by JetStream's own of 64 KB for headers.
TOO_LARGE_ANSWERS = frozenset({TOO_LARGE, 10054, 10097})


def read_answer(answer: Msg) -> int:
    """CONFIRMED, the server's error code, or one of those above that the server has no code for."""
    if answer.headers and answer.headers.get("Status") == "503":
        return NO_STREAM
    try:
        content = orjson.loads(answer.data)
        if "error" in content:
            return int(content["error"]["err_code"])
        return CONFIRMED if content["seq"] > 0 else NO_SENSE
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return NO_SENSE
