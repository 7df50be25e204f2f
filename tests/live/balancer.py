"""What a Service of Kubernetes does for its pods, and clients that never pause."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from tests.process import Service

CLIENTS = 6
PROBE_SECONDS = 0.3
SECONDS = 5
DRAFT = json.dumps({"reference": "A-1001", "quantity": 3})
HEADERS = {"content-type": "application/json"}


@dataclass
class Balancer:
    """Sends requests to those that were ready when they were last asked."""

    pods: list[Service]
    ready: list[Service] = field(default_factory=list)
    answers: Counter[tuple[int, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def probe(self) -> None:
        """Ask every pod, again and again."""
        while not self.ended.wait(PROBE_SECONDS):
            self.ready = [pod for pod in self.pods if pod.status("/health/ready") == HTTPStatus.OK]

    def send(self) -> None:
        """One client: a connection to each pod, kept open as long as the pod does."""
        with ExitStack() as stack:
            connections: dict[int, HTTPConnection] = {}
            while not self.ended.is_set():
                if ready := self.ready:
                    port = random.choice(ready).port  # noqa: S311 - nobody has to guess it
                    if port not in connections:
                        connections[port] = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
                        stack.callback(connections[port].close)
                    self.ask(connections[port])

    def ask(self, connection: HTTPConnection) -> None:
        """One request."""
        try:
            connection.request("POST", "/v1/orders", DRAFT, HEADERS)
            with connection.getresponse() as response:
                response.read()
        except (OSError, HTTPException) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
            connection.close()
        else:
            self.answers[connection.port, response.status] += 1

    def answered(self, pod: Service) -> int:
        """How many requests a pod has answered well."""
        return self.answers[pod.port, HTTPStatus.CREATED]

    def wait_for(self, pod: Service, more: int = 50) -> None:
        """Until a pod has answered so many more."""
        goal, deadline = self.answered(pod) + more, time.monotonic() + 30
        while self.answered(pod) < goal:
            assert time.monotonic() < deadline, f"{pod.url} gets no requests: {self.answers} {self.failures}"
            time.sleep(0.05)


@contextmanager
def balancing(*pods: Service) -> Iterator[Balancer]:
    """Load on these as long as the block lasts."""
    balancer = Balancer([*pods])
    threads = [threading.Thread(target=balancer.probe)]
    threads += [threading.Thread(target=balancer.send) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield balancer
    finally:
        balancer.ended.set()
        for thread in threads:
            thread.join()
