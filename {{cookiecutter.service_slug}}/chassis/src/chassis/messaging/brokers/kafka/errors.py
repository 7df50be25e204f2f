"""Kafka's error codes as reasons that may be shown. The texts are fixed: no address, no secret."""

# ruff: noqa: SLF001 - librdkafka's documented names of errors that the client itself detects begin with an underscore

from confluent_kafka import KafkaError, KafkaException

from ....errors import Unavailable

UNREACHABLE = "cannot be reached"
TOO_SLOW = "no answer in time"
FORBIDDEN_TOPIC = "a topic is missing and may not be created"
TIMED_OUT = KafkaError._TIMED_OUT
QUEUE_FULL = KafkaError._QUEUE_FULL
END_OF_PARTITION = KafkaError._PARTITION_EOF
TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})
UNKNOWN_REQUEST = KafkaError._UNSUPPORTED_FEATURE
_REASONS = {
    **dict.fromkeys(TOO_LARGE, "larger than a topic accepts"),
    KafkaError._AUTHENTICATION: "credentials are refused",
    KafkaError.SASL_AUTHENTICATION_FAILED: "credentials are refused",
    KafkaError._SSL: "no encrypted connection: certificate or protocol do not fit",
    KafkaError._TRANSPORT: UNREACHABLE,
    KafkaError._NOENT: UNREACHABLE,  # no server is known that could be asked
    KafkaError._RESOLVE: UNREACHABLE,
    KafkaError._ALL_BROKERS_DOWN: UNREACHABLE,
    KafkaError._TIMED_OUT: TOO_SLOW,
    KafkaError._MSG_TIMED_OUT: TOO_SLOW,
    KafkaError._PURGE_QUEUE: TOO_SLOW,
    KafkaError._PURGE_INFLIGHT: TOO_SLOW,
    KafkaError.REQUEST_TIMED_OUT: TOO_SLOW,
    KafkaError._QUEUE_FULL: "too many messages wait to be sent",
    KafkaError.NOT_ENOUGH_REPLICAS: "too few replicas are in sync",
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND: "too few replicas are in sync",
    KafkaError.INVALID_REPLICATION_FACTOR: "fewer servers than BROKER_TOPIC_REPLICATION",
    KafkaError.TOPIC_EXCEPTION: "a topic's name is not allowed",
    KafkaError.POLICY_VIOLATION: FORBIDDEN_TOPIC,
    KafkaError.UNKNOWN_TOPIC_OR_PART: "a topic is missing",
    KafkaError._UNKNOWN_TOPIC: "a topic is missing",
    KafkaError._UNKNOWN_PARTITION: "a topic is missing",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "the account may not use a topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "the account may not use its consumer group",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "the account may not use the cluster",
}
# More specific about an unreachable server than the timeout of the request that waited for it.
_SPECIFIC = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError._SSL,
        KafkaError._RESOLVE,
        KafkaError._ALL_BROKERS_DOWN,
    }
)
_MISSING = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)
_FORBIDDEN = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.POLICY_VIOLATION,
    }
)


class TooLarge(Unavailable):
    """No topic accepts a record of this size, now or later."""


def code_of(error: BaseException) -> int:
    """Kafka's error code; 0 for any other error."""
    if isinstance(error, KafkaException) and error.args and isinstance(error.args[0], KafkaError):
        return error.args[0].code()
    return 0


def unavailable(code: int) -> Unavailable:
    """The exception to raise for an error code."""
    exception = TooLarge if code in TOO_LARGE else Unavailable
    return exception("broker", _REASONS.get(code, "request failed: the error is in the log"))


def is_fatal(error: KafkaError) -> bool:
    """Whether the client that reports the error will never work again."""
    return error.fatal() or error.code() == KafkaError._FATAL


def is_more_specific(code: int, than: int) -> bool:
    """Whether an error explains better than the previous one why no server can be reached."""
    return code in _SPECIFIC and (than not in _SPECIFIC or than in (KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE))


def is_missing(error: BaseException) -> bool:
    """Whether a topic does not exist."""
    return code_of(error) in _MISSING


def is_forbidden(error: BaseException) -> bool:
    """Whether the account lacks a permission."""
    return code_of(error) in _FORBIDDEN
