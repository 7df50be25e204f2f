"""The service as a process, as its owner starts it."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

COMMAND = [sys.executable, "-m", "{{ cookiecutter.package_name }}"]
PATIENCE_SECONDS = 40


class Process:
    """A started service and the lines it writes."""

    def __init__(self, *arguments: str, **settings: str) -> None:
        environment = {**os.environ, "LOG_FORMAT": "json", "HTTP_PORT": "0", **settings}
        command = [*COMMAND, "serve", *arguments]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        self.lines: Queue[str] = Queue()
        self.seen: list[str] = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.put(line)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line from here on that matches."""
        while True:
            self.seen.append(self.lines.get(timeout=PATIENCE_SECONDS))
            if match := re.search(pattern, self.seen[-1]):
                return match

    def url(self) -> str:
        """Where it answers, once it does."""
        return self.wait_for(r"http://127\.0\.0\.1:\d+").group()

    def end(self) -> int:
        """Ask it to end, as Kubernetes would; gives its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def serving(*arguments: str, **settings: str) -> Iterator[Process]:
    """A service that is gone when the block ends."""
    running = Process(*arguments, **settings)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        running.reader.join()
