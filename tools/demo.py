"""Generates the default service into build/demo and becomes it: `make demo`."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from tools import interpreters, options, uv

FOLDER = options.ROOT / "build" / "demo"
HOST = "127.0.0.1"
LAST_PORT = 65_535
ATTEMPTS = 20


def main() -> None:
    """Generate, install, say where to look, serve."""
    port = _free_port(os.environ.get("PORT", "8000"))
    service = _generate()
    command = service / ".venv" / "bin" / service.name
    print(_what_to_try(f"http://{HOST}:{port}"), flush=True)
    # Becoming the service, instead of starting it, hands it every signal and hands on its exit code.
    os.chdir(service)
    settings = {"ENVIRONMENT": "local", "HTTP_HOST": HOST, "HTTP_PORT": str(port)}
    os.execve(command, [str(command), "serve"], os.environ | settings)  # noqa: S606


def _generate() -> Path:
    version, interpreter = interpreters.newest()
    default = options.choices()["python_version"][0]
    if version != default:
        print(f"Python {default} is not to be had here, so this service runs on {version}.")
    print(f"Generating a service into {FOLDER.relative_to(options.ROOT)}/ and installing it ...", flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    command = ["cookiecutter", "--no-input", "--default-config", str(options.ROOT), f"python_version={version}"]
    # What the template advises to do next is what happens here anyway; its errors are shown.
    subprocess.run([sys.executable, "-m", *command], cwd=FOLDER, stdout=subprocess.DEVNULL, check=True)
    (service,) = FOLDER.iterdir()
    uv.call("sync", "--no-dev", "--python", str(interpreter), cwd=service)
    return service


def _free_port(wanted: str) -> int:
    """The port that was asked for, or the next one that nobody listens on."""
    if not wanted.isascii() or not wanted.isdecimal() or not 0 < int(wanted) <= LAST_PORT - ATTEMPTS:
        raise SystemExit(f"PORT={wanted} is not a port (1 to {LAST_PORT - ATTEMPTS}): PORT=8001 make demo")
    first = int(wanted)
    for port in range(first, first + ATTEMPTS):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if candidate.connect_ex((HOST, port)) != 0:
                if port != first:
                    print(f"Port {first} is taken; using {port} (choose another with PORT=...).")
                return port
    raise SystemExit(f"Ports {first} to {first + ATTEMPTS - 1} are all taken; choose another with PORT=...")


def _what_to_try(url: str) -> str:
    return dedent(f"""
        Its documentation: {url}/docs

        In another terminal:
          order=$(curl -s {url}/v1/orders -H 'Content-Type: application/json' \\
            -d '{{"reference": "A-1001", "quantity": 3}}' | tee /dev/stderr | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
          curl -s -X POST {url}/v1/orders/$order/confirm -H 'If-Match: "1"'
          curl -s {url}/v1/orders

        Ctrl-C ends it.
        """)


if __name__ == "__main__":
    main()
