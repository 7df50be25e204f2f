"""A service and a real OpenID provider: its tokens, its new keys, its absence."""

import json
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any
from urllib.request import urlopen

import pytest
import trustme

from tests.baked import Bake
from tests.live.forged_tokens import decoded, forged
from tests.process import Service, free_port
from tests.project import Project
from tests.report import MEASURED
from tests.walk import Walk
from tools import oidc_provider, options

pytestmark = [
    pytest.mark.needs(oidc_provider.NAME),
    pytest.mark.needs(f"Python {options.choices()['python_version'][0]}"),
    pytest.mark.xdist_group("openid"),
]
SCOPE = "orders:read orders:write"
CLIENTS = 4
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def project(bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A service that needs no other server."""
    answers = bake(auth="jwt", database="sqlite", broker="none", tracing="none")
    return Project(answers, tmp_path_factory.mktemp("openid"))


@dataclass(frozen=True)
class Production:
    """A service and its provider, as in a cluster."""

    project: Project
    provider: oidc_provider.Provider
    database: str

    @contextmanager
    def serving(self, **changes: str) -> Iterator[Service]:
        """The service while it runs."""
        settings = {
            "ENVIRONMENT": "production",
            "DATABASE_URL": self.database,
            "AUTH_ISSUER": self.provider.issuer,
            "AUTH_AUDIENCE": self.project.slug,
            "AUTH_CA_FILE": str(self.provider.ca_file),
        }
        with self.project.serving(**(settings | changes)) as service:
            service.wait_until("/health/ready", 200)
            yield service

    def token(self) -> str:
        """One that permits everything."""
        return self.provider.token(SCOPE)


@pytest.fixture
def production(project: Project, tmp_path: Path) -> Iterator[Production]:
    """A migrated database, and a provider that answers over TLS."""
    database = f"sqlite:///{tmp_path / 'orders.db'}"
    project.run(project.slug, "migrate", DATABASE_URL=database)
    with oidc_provider.running(free_port(), certificate(tmp_path), audience=project.slug, scope=SCOPE) as provider:
        yield Production(project, provider, database)


def certificate(folder: Path) -> oidc_provider.Certificate:
    """One for this machine, and the authority that signed it."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    files = oidc_provider.Certificate(folder / "chain.pem", folder / "key.pem", folder / "ca.pem")
    files.chain.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(files.key)
    authority.cert_pem.write_to_path(files.ca_file)
    return files


def test_serves_every_operation_to_a_service_that_calls_on_its_own(production: Production) -> None:
    with production.serving() as service:
        Walk(service.url, production.token()).everything()
        assert service.terminate() == 0
    assert not service.complaints()


def test_a_token_without_the_permission_is_refused(production: Production) -> None:
    with production.serving() as service:
        reader = Walk(service.url, production.provider.token("orders:read"))
        reader.call("GET", reader.resource)
        reader.call("POST", reader.resource, {"reference": "A-1001", "quantity": 3}, expect=403)


def test_forged_tokens_are_refused(production: Production, record_property: Record) -> None:
    genuine, taken = production.token(), dict[str, float]()
    with production.serving() as service:
        for name, token in forged(genuine, published_key(production.provider, genuine)):
            begun = time.monotonic()
            status, challenge = read(service, f"Bearer {token}")
            taken[name] = time.monotonic() - begun
            assert (status, challenge[:7]) == (401, "Bearer "), name
        assert read(service, f"bearer {genuine}")[0] == 200
        assert read(service, f"Basic {genuine}")[0] == 401
        assert read(service, genuine)[0] == 401
    assert not service.complaints()
    slowest = max(taken, key=lambda name: taken[name])
    record_property(
        MEASURED, f"{len(taken)} forged tokens: all refused, {slowest!r} in {taken[slowest] * 1_000:.0f} ms"
    )


def test_a_token_for_another_service_is_refused(production: Production) -> None:
    with production.serving(AUTH_AUDIENCE="billing-service") as service:
        status, challenge = read(service, f"Bearer {production.token()}")
    assert (status, challenge[:7]) == (401, "Bearer ")


def test_new_keys_refuse_no_request(production: Production, record_property: Record) -> None:
    """Two renewals under load, each token from the moment it is issued."""
    with production.serving() as service, clients(service, production.token) as answers:
        for _ in range(2):
            wait_for_more(answers, 60)
            production.provider.rotate()
        wait_for_more(answers, 60)
    record_property(MEASURED, f"two new keys: {_refused(answers)}")
    assert set(answers) == {200}


SHORT = pytest.param(5, id="5 seconds")
MINUTE = pytest.param(60, id="a minute", marks=pytest.mark.long)


@pytest.mark.parametrize("seconds", [SHORT, MINUTE])
def test_an_issuer_that_is_away_refuses_no_request(
    production: Production, record_property: Record, seconds: int
) -> None:
    token = production.token()
    with production.serving(AUTH_KEYS_REFRESH_SECONDS="1") as service:
        with clients(service, lambda: token) as answers:
            wait_for_more(answers, 60)
            production.provider.stop()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                wait_for_more(answers, 20)
            assert readiness(service) == ("degraded", "does not answer (ConnectError)")
        production.provider.start()  # with another key: it forgets
        deadline = time.monotonic() + 60
        while readiness(service) != ("ready", "ok"):
            assert time.monotonic() < deadline, "the issuer is back, and the service did not notice"
            time.sleep(0.1)
        assert Walk(service.url, production.token()).call("GET", "/v1/orders").status == 200
    record_property(MEASURED, f"issuer away for {seconds} s: {_refused(answers)}")
    assert set(answers) == {200}


def readiness(service: Service) -> tuple[str, str]:
    """What the service reports of itself, and of the issuer."""
    ready = Walk(service.url).call("GET", "/health/ready").json
    return ready["status"], ready["checks"]["issuer"]


def read(service: Service, authorization: str) -> tuple[int, str]:
    """The status of a read with these credentials, and the challenge of a refusal (RFC 6750)."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=30)
    connection.request("GET", "/v1/orders", headers={"authorization": authorization})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.headers.get("www-authenticate", "")


def published_key(provider: oidc_provider.Provider, token: str) -> dict[str, Any]:
    """The key that a token was signed with."""
    trusted = ssl.create_default_context(cafile=provider.ca_file)
    with urlopen(f"{provider.issuer}/jwks", context=trusted, timeout=30) as response:  # noqa: S310 - of the provider above
        keys = {each["kid"]: each for each in json.load(response)["keys"]}
    return dict(keys[decoded(token.partition(".")[0])["kid"]])


def _refused(answers: Counter[int]) -> str:
    return f"{answers.total()} requests, {answers.total() - answers[200]} refused"


@contextmanager
def clients(service: Service, token: Callable[[], str]) -> Iterator[Counter[int]]:
    """Clients read inside the block, each with a token that it renews; yields their answers by status so far."""
    answers, stopping = Counter[int](), Event()

    def read() -> None:
        connection = HTTPConnection("127.0.0.1", service.port, timeout=30)
        while not stopping.is_set():
            headers = {"authorization": f"Bearer {token()}"}
            for _ in range(5):
                connection.request("GET", "/v1/orders", headers=headers)
                response = connection.getresponse()
                response.read()
                answers[response.status] += 1
        connection.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(read) for _ in range(CLIENTS)]
        try:
            yield answers
        finally:
            stopping.set()
        for each in running:
            each.result()


def wait_for_more(answers: Counter[int], count: int, seconds: float = 60) -> None:
    """Wait until clients have received so many more answers."""
    wanted, deadline = answers.total() + count, time.monotonic() + seconds
    while answers.total() < wanted:
        assert time.monotonic() < deadline, f"{wanted - answers.total()} answers are missing: {answers}"
        time.sleep(0.02)
