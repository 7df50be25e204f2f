"""What Kafka's errors mean to whoever is on call. The texts are fixed: no address, no secret."""

# ruff: noqa: SLF001 - the names of errors that the library finds by itself begin with an underscore

from confluent_kafka import KafkaError, KafkaException

from ...domain.errors import Unavailable

AWAY = "cannot be reached"
SLOW = "no answer in time"
FORBIDDEN_TOPIC = "a topic is missing and may not be created"
TIMED_OUT = KafkaError._TIMED_OUT
QUEUE_FULL = KafkaError._QUEUE_FULL
END_OF_PARTITION = KafkaError._PARTITION_EOF
TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})
UNKNOWN_REQUEST = KafkaError._UNSUPPORTED_FEATURE
_REASONS = {
    **dict.fromkeys(TOO_LARGE, "larger than a topic takes"),
    KafkaError._AUTHENTICATION: "credentials are refused",
    KafkaError.SASL_AUTHENTICATION_FAILED: "credentials are refused",
    KafkaError._SSL: "no encrypted connection: certificate or protocol do not fit",
    KafkaError._TRANSPORT: AWAY,
    KafkaError._RESOLVE: AWAY,
    KafkaError._ALL_BROKERS_DOWN: AWAY,
    KafkaError._TIMED_OUT: SLOW,
    KafkaError._MSG_TIMED_OUT: SLOW,
    KafkaError._PURGE_QUEUE: SLOW,
    KafkaError._PURGE_INFLIGHT: SLOW,
    KafkaError.REQUEST_TIMED_OUT: SLOW,
    KafkaError._QUEUE_FULL: "too much waits to be sent",
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
# Says more about a server that cannot be reached than the request that waited for it in vain.
_TELLING = frozenset(
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
    """No topic takes a record of this size, now or later."""


def code_of(error: BaseException) -> int:
    """Kafka's number for it; 0 for what is not Kafka's."""
    if isinstance(error, KafkaException) and error.args and isinstance(error.args[0], KafkaError):
        return error.args[0].code()
    return 0


def unavailable(code: int) -> Unavailable:
    """What to raise for an error."""
    refusal = TooLarge if code in TOO_LARGE else Unavailable
    return refusal("broker", _REASONS.get(code, "refuses to work: its error is in the log"))


def is_fatal(error: KafkaError) -> bool:
    """Whether the client that met it will never work again."""
    return error.fatal() or error.code() == KafkaError._FATAL


def tells_more(code: int, than: int) -> bool:
    """Whether an error explains better than the one before why no server can be reached."""
    return code in _TELLING and (than not in _TELLING or than in (KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE))


def is_missing(error: BaseException) -> bool:
    """Whether a topic does not exist."""
    return code_of(error) in _MISSING


def is_forbidden(error: BaseException) -> bool:
    """Whether a right is missing."""
    return code_of(error) in _FORBIDDEN
