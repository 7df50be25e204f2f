"""A certified OpenID provider, a JavaScript library: services are tested with its tokens."""

import json
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPSConnection
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

from tools import npm

PACKAGE = "oidc-provider@9.13.3"
NAME = "an OpenID provider"
HOW_TO_GET = "apt-get install nodejs npm, with access to an npm registry"
SCRIPT = Path(__file__).with_suffix(".mjs")
SECONDS = 30
ACCOUNT = "shop", "a-secret-of-the-tests"


def installed() -> Path | None:
    """The folder that holds its `node_modules`; None if it cannot be had."""
    return npm.installed(PACKAGE, "oidc-provider")


@dataclass(frozen=True)
class Certificate:
    """Files.

    Args:
        chain: the certificate and those above it.
        key: its key.
        ca_file: the authority that signed it.
    """

    chain: Path
    key: Path
    ca_file: Path


@dataclass
class Provider:
    """A running provider.

    Args:
        port: on which it answers, at this machine only.
        ca_file: the authority that signed its certificate.
        command: starts it.
    """

    port: int
    ca_file: Path
    command: list[str]
    process: subprocess.Popen[str] | None = None

    @property
    def issuer(self) -> str:
        """Its name in tokens."""
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, with a new key, and wait until it answers."""
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._line()

    def stop(self) -> None:
        """End it, as an outage does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(SECONDS)
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    stream.close()
            self.process = None

    def rotate(self) -> str:
        """Sign with a new key from now on; the one before stays published. Returns what it says about it."""
        assert self.process is not None  # noqa: S101 - for the type checker
        assert self.process.stdin is not None  # noqa: S101 - as above
        self.process.stdin.write("rotate\n")
        self.process.stdin.flush()
        return self._line()

    def token(self, scope: str) -> str:
        """An access token for client credentials (RFC 6749, section 4.4)."""
        connection = HTTPSConnection(
            "127.0.0.1", self.port, timeout=SECONDS, context=ssl.create_default_context(cafile=self.ca_file)
        )
        try:
            account = b64encode(":".join(ACCOUNT).encode()).decode()
            headers = {"content-type": "application/x-www-form-urlencoded", "authorization": f"Basic {account}"}
            form = {"grant_type": "client_credentials", "scope": scope}
            connection.request("POST", "/token", urlencode(form), headers)
            response = connection.getresponse()
            body = response.read().decode()
            if response.status != HTTPStatus.OK:
                raise RuntimeError(f"no token: {response.status} {body}")
            return cast("str", json.loads(body)["access_token"])
        finally:
            connection.close()

    def _line(self) -> str:
        assert self.process is not None  # noqa: S101 - for the type checker
        assert self.process.stdout is not None  # noqa: S101 - as above
        for line in self.process.stdout:
            if line.startswith("provider: "):  # the library has remarks of its own
                return line.removeprefix("provider: ").strip()
        raise RuntimeError(f"the provider has ended with {self.process.wait(SECONDS)}")


@contextmanager
def running(port: int, certificate: Certificate, *, audience: str, scope: str) -> Iterator[Provider]:
    """A provider inside the block.

    Args:
        port: a free one.
        certificate: for 127.0.0.1.
        audience: of its tokens.
        scope: that it can give, separated by spaces.
    """
    command = ["node", str(SCRIPT), str(installed()), str(port), str(certificate.chain), str(certificate.key)]
    provider = Provider(port, certificate.ca_file, [*command, audience, scope])
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
