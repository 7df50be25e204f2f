"""JetStream's acknowledgement of a published message."""

import orjson
from nats.aio.msg import Msg

CONFIRMED = 0
NO_STREAM = -1  # no stream has the subject
NOT_AN_ACK = -2  # something other than a stream has answered
TOO_LARGE = -3  # not even sent: the server would close the connection
# Found by the adapter, by a limit of the stream, and by JetStream's own of 64 KB for headers.
TOO_LARGE_CODES = frozenset({TOO_LARGE, 10054, 10097})


def read_ack(answer: Msg) -> int:
    """CONFIRMED, the server's error code, or one of those above for which the server has no code."""
    if answer.headers and answer.headers.get("Status") == "503":
        return NO_STREAM
    try:
        content = orjson.loads(answer.data)
        if "error" in content:
            return int(content["error"]["err_code"])
        return CONFIRMED if content["seq"] > 0 else NOT_AN_ACK
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return NOT_AN_ACK
