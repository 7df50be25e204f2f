"""Why NATS cannot be used, in fixed texts without addresses or secrets. The runbook has a line for each."""

from .acks import NO_STREAM, TOO_LARGE_CODES

NO_ANSWER = "no answer in time"
UNREACHABLE = "cannot be reached"
LOST = "the connection was lost"
RIGHTS = "rights are missing"
NO_JETSTREAM = "JetStream is not enabled"
REFUSED = "JetStream refuses it"

# By the server's error code (`err_code`), which stays the same across versions.
_BY_CODE = {
    NO_STREAM: "no stream has the subject",
    **dict.fromkeys(TOO_LARGE_CODES, "larger than the server accepts"),
    10002: "the storage is full",
    10005: "fewer servers than BROKER_REPLICAS",
    10008: "JetStream has no leader",
    10009: "JetStream has no leader",
    10023: "the storage is full",
    10026: "the limit of consumers is reached",
    10027: "the limit of streams is reached",
    10039: NO_JETSTREAM,
    10047: "the storage is full",
    10065: "another stream has these subjects",
    10074: "fewer servers than BROKER_REPLICAS",
    10076: NO_JETSTREAM,
    10077: "the storage is full",
}


def reason_of_code(code: int) -> str:
    """Why JetStream refused a request."""
    return _BY_CODE.get(code, REFUSED)
