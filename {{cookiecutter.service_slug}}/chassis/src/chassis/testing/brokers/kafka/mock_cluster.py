"""librdkafka's mock cluster: real TCP on loopback, in a process of its own, without a Kafka server.

It supports enough of the protocol for producers, groups and offsets. It keeps its data in memory, knows no credentials,
compaction or admin requests, and creates topics when a client asks for them.

As a program it prints its address and reads one command per line: `topic NAME PARTITIONS`, `down`, `up`,
`fail API ERROR COUNT`. It ends with its standard input.
"""

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BROKERS = 1
REBALANCE_DELAY_MS = 20


class MockCluster:
    """A running mock cluster; `address` is host:port."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.address = self._reply()

    @property
    def url(self) -> str:
        """The address as BROKER_URL."""
        return f"kafka://{self.address}"

    def down(self) -> None:
        """Cut every connection, and refuse new ones."""
        self._command("down")

    def up(self) -> None:
        """End the outage."""
        self._command("up")

    def cut(self) -> None:
        """Cut every connection; new ones work."""
        self.down()
        self.up()

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic. Topics created on demand have four partitions."""
        self._command("topic", name, partitions)

    def fail(self, api: int, error: int, times: int) -> None:
        """Answer the next requests of one kind with an error; both are numbers of Kafka's protocol."""
        self._command("fail", api, error, times)

    def _command(self, *words: str | int) -> None:
        assert self._process.stdin is not None
        print(*words, file=self._process.stdin, flush=True)
        assert self._reply() == "ok"

    def _reply(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def mock_cluster() -> Iterator[MockCluster]:
    """A new mock cluster, inside the block."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield MockCluster(process)
        # Leaving the block closes its standard input, which ends it.


def _librdkafka() -> ctypes.CDLL:
    """The library that confluent-kafka bundles, with functions that its Python interface does not offer."""
    import confluent_kafka

    [path] = (Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs").glob("librdkafka-*")
    library = ctypes.CDLL(str(path))
    pointer, text, number, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
    for name, result, arguments in (
        ("conf_new", pointer, ()),
        ("conf_set", number, (pointer, text, text, text, size)),
        ("new", pointer, (number, pointer, text, size)),
        ("mock_cluster_new", pointer, (pointer, number)),
        ("mock_cluster_destroy", None, (pointer,)),
        ("mock_cluster_bootstraps", text, (pointer,)),
        ("mock_group_initial_rebalance_delay_ms", None, (pointer, ctypes.c_int32)),
        ("mock_set_controller_id", None, (pointer, ctypes.c_int32)),
        ("mock_topic_create", number, (pointer, text, number, number)),
        ("mock_broker_set_down", number, (pointer, ctypes.c_int32)),
        ("mock_broker_set_up", number, (pointer, ctypes.c_int32)),
        ("mock_push_request_errors_array", None, (pointer, ctypes.c_int16, size, ctypes.POINTER(number))),
    ):
        function = getattr(library, f"rd_kafka_{name}")
        function.restype, function.argtypes = result, arguments
    return library


@contextmanager
def _cluster(kafka: ctypes.CDLL) -> Iterator[int]:
    problem = ctypes.create_string_buffer(512)
    conf = kafka.rd_kafka_conf_new()
    kafka.rd_kafka_conf_set(conf, b"log_level", b"0", problem, len(problem))
    client = kafka.rd_kafka_new(0, conf, problem, len(problem))
    assert client, problem.value
    cluster: int = kafka.rd_kafka_mock_cluster_new(client, BROKERS)
    kafka.rd_kafka_mock_set_controller_id(cluster, 1)
    kafka.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, REBALANCE_DELAY_MS)
    try:
        yield cluster
    finally:
        kafka.rd_kafka_mock_cluster_destroy(cluster)


def _execute(kafka: ctypes.CDLL, cluster: int, command: str, *words: str) -> None:
    match command, words:
        case "topic", [name, partitions]:
            assert kafka.rd_kafka_mock_topic_create(cluster, name.encode(), int(partitions), 1) == 0
        case "down", []:
            for broker in range(1, BROKERS + 1):
                kafka.rd_kafka_mock_broker_set_down(cluster, broker)
        case "up", []:
            for broker in range(1, BROKERS + 1):
                kafka.rd_kafka_mock_broker_set_up(cluster, broker)
        case "fail", [api, error, count]:
            errors = (ctypes.c_int * int(count))(*[int(error)] * int(count))
            kafka.rd_kafka_mock_push_request_errors_array(cluster, int(api), int(count), errors)
        case _:
            raise ValueError(command)


def _serve() -> None:
    kafka = _librdkafka()
    with _cluster(kafka) as cluster:
        _write(kafka.rd_kafka_mock_cluster_bootstraps(cluster).decode())
        for line in sys.stdin:
            _execute(kafka, cluster, *line.split())
            _write("ok")


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()
