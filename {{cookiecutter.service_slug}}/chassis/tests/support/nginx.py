"""nginx in front of services, with connections to them that it keeps open; Debian's package `nginx-light` has it."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers import missing, skip_if_none

PATIENCE_SECONDS = 20
CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    keepalive_timeout 3600s;
    keepalive_requests 1000000;
    upstream services {{
        {servers}
        keepalive 512;
        keepalive_timeout {keep_alive};
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://services;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


class Nginx:
    """A running nginx.

    Args:
        folder: for its files.
        keep_alive: how long it keeps a connection to a service that it does not use.
    """

    def __init__(self, folder: Path, keep_alive: str) -> None:
        self._folder = folder
        self._keep_alive = keep_alive
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def lead_to(self, *services: str) -> None:
        """Send requests to these URLs only; what is in flight elsewhere is finished."""
        text = CONFIGURATION.format(
            user="user root;" if os.geteuid() == 0 else "",
            folder=self._folder,
            servers="\n".join(f"server {url.removeprefix('http://')};" for url in services),
            keep_alive=self._keep_alive,
            port=self._port,
        )
        (file := self._folder / "nginx.conf").write_text(text)
        if self._process is None:
            self._process = subprocess.Popen([program(), "-p", str(self._folder), "-c", str(file)])
            self._wait_until_it_listens()
        else:
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_SECONDS)

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
            except OSError:
                assert time.monotonic() < deadline, (self._folder / "error.log").read_text()
                time.sleep(0.05)
            else:
                return


def program() -> str:
    """Its path; skips the test where it is not installed."""
    skip_if_none()
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        missing("no nginx: apt-get install nginx-light")
    return found


@contextmanager
def proxying(folder: Path, *services: str, keep_alive: str = "60s") -> Iterator[Nginx]:
    """Proxy inside the block."""
    nginx = Nginx(folder, keep_alive)
    try:
        nginx.lead_to(*services)
        yield nginx
    finally:
        nginx.stop()
