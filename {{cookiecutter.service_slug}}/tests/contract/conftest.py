"""The service on a real socket, because the fuzzer speaks HTTP."""

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from {{ cookiecutter.package_name }}.bootstrap import create_service_in_memory
from {{ cookiecutter.package_name }}.config import load_settings


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """Where the service answers, with its data in memory."""
    app = create_service_in_memory(load_settings()).app
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"  # connections wait in the backlog until it is up
        server.should_exit = True
        thread.join()
