"""A service as a process, as its owner starts it."""

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import Queue

TIMEOUT_SECONDS = 40


class ServiceProcess:
    """A started service and the lines it writes to standard output.

    Args:
        command: that starts it, such as `[sys.executable, "-m", "billing_service", "serve"]`.
        settings: environment variables in addition to the present ones. Logs are JSON and the port is any free one,
            unless they say otherwise.
    """

    def __init__(self, command: Sequence[str], settings: Mapping[str, str]) -> None:
        environment = {**os.environ, "LOG_FORMAT": "json", "HTTP_PORT": "0", **settings}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        self.seen: list[str] = []
        self._lines: Queue[str] = Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The next line that matches; raises queue.Empty if it does not come."""
        while True:
            self.seen.append(self._lines.get(timeout=TIMEOUT_SECONDS))
            if match := re.search(pattern, self.seen[-1]):
                return match

    def url(self) -> str:
        """Its address, once it answers."""
        return self.wait_for(r"http://127\.0\.0\.1:\d+").group()

    def stop(self) -> int:
        """Stop it as Kubernetes would; returns its exit code."""
        self.process.terminate()
        return self.process.wait(TIMEOUT_SECONDS)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self._lines.put(line)


@contextmanager
def running(command: Sequence[str], **settings: str) -> Iterator[ServiceProcess]:
    """A service that runs inside the block; killed at its end."""
    service = ServiceProcess(command, settings)
    try:
        yield service
    finally:
        service.kill()
