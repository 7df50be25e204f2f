"""Encrypted connections and a password in a file, on servers that accept nothing else."""

import json
import secrets
import time
from pathlib import Path

import pytest

from tests import process
from tests.live import private_servers
from tests.live.secured import Secured
from tests.process import Service
from tests.walk import Walk

# What readiness and `migrate` say where the server insists on TLS.
WITHOUT_TLS = {
    "postgresql": ("the server refuses this user here, or without TLS", "no encryption"),
    "mariadb": ("credentials are refused", "Access denied"),  # the server says no more than that
    "mysql": ("the server requires TLS", "insecure transport"),
}
NOT_TRUSTED = "the certificate of the server is not trusted"


@pytest.fixture
def foreign_ca_file(tmp_path: Path) -> str:
    """An authority that did not sign the server's certificate."""
    private_servers.write_certificate(tmp_path)
    return str(tmp_path / "ca.pem")


def reason(service: Service, status: int) -> str:
    """What the service says of its database."""
    checks = Walk(service.url).call("GET", "/health/ready", expect=status).json["checks"]
    return str(checks["database"])


def wait_for_reason(service: Service, expected: str) -> None:
    """Until the service says this of its database: a connection that was ended is found out when it is used."""
    deadline = time.monotonic() + 10
    while (said := json.loads(process.get(service.port, "/health/ready")[1])["checks"]["database"]) != expected:
        assert time.monotonic() < deadline, said
        time.sleep(0.05)


@pytest.mark.parametrize("tls", ["verify", "require"])
def test_serves_and_migrates_over_tls(secured: Secured, tls: str) -> None:
    settings = secured.settings(DATABASE_TLS=tls, **({} if tls == "verify" else {"DATABASE_TLS_CA_FILE": ""}))
    secured.project.run(secured.project.slug, "migrate", **settings)
    with secured.project.serving(**settings) as running:
        Walk(running.url).everything()
        assert running.terminate() == 0
    assert not running.complaints()


def test_require_asks_for_no_particular_certificate(secured: Secured, foreign_ca_file: str) -> None:
    settings = secured.settings(DATABASE_TLS="require", DATABASE_TLS_CA_FILE=foreign_ca_file)
    secured.project.run(secured.project.slug, "migrate", **settings)
    with secured.project.serving(**settings) as running:
        assert reason(running, 200) == "ok"


def test_trusts_what_the_system_trusts(secured: Secured) -> None:
    """Without a file of its own; OpenSSL's variable stands for an authority that the image brings."""
    settings = secured.settings(DATABASE_TLS_CA_FILE="", SSL_CERT_FILE=str(secured.server.ca_file))
    secured.project.run(secured.project.slug, "migrate", **settings)
    with secured.project.serving(**settings) as running:
        assert reason(running, 200) == "ok"


def test_without_tls_it_is_refused_and_says_so(secured: Secured) -> None:
    settings = secured.settings(DATABASE_TLS="off", DATABASE_TLS_CA_FILE="")
    with secured.project.serving(**settings) as running:
        assert reason(running, 503) == WITHOUT_TLS[secured.server.kind][0]
        assert secured.server.password not in running.log()
    said = secured.project.fail(secured.project.slug, "migrate", **settings)
    assert WITHOUT_TLS[secured.server.kind][1] in said
    assert secured.server.password not in said


@pytest.mark.parametrize("trusted", ["foreign", "system"])
def test_a_certificate_that_is_not_trusted_is_refused(secured: Secured, foreign_ca_file: str, trusted: str) -> None:
    settings = secured.settings(DATABASE_TLS_CA_FILE=foreign_ca_file if trusted == "foreign" else "")
    with secured.project.serving(**settings) as running:
        assert reason(running, 503) == NOT_TRUSTED
        assert secured.server.password not in running.log()
    said = secured.project.fail(secured.project.slug, "migrate", **settings)
    assert "certificate" in said
    assert secured.server.password not in said


def test_a_certificate_for_another_host_is_refused(secured: Secured) -> None:
    """This machine by another name, which the certificate does not hold."""
    settings = secured.settings(DATABASE_URL=secured.server.address.replace("127.0.0.1", "localhost"))
    with secured.project.serving(**settings) as running:
        assert reason(running, 503) == NOT_TRUSTED


def test_a_password_changes_without_a_restart(secured: Secured) -> None:
    with secured.project.serving(**secured.settings(), READINESS_TIMEOUT_SECONDS="5") as running:
        assert reason(running, 200) == "ok"
        secured.server.set_password(f"{secrets.token_hex(8)} ' \\ é")
        assert reason(running, 200) == "ok", "connections that are open stay open"
        secured.server.end_connections()
        wait_for_reason(running, "credentials are refused")
        assert reason(running, 503) == "credentials are refused"
        secured.password_file(secured.server.password)
        assert reason(running, 200) == "ok"
        Walk(running.url).everything()
        assert secured.server.password not in running.log()
    secured.project.run(secured.project.slug, "migrate", **secured.settings())


def test_a_password_in_the_url_works_as_well(secured: Secured) -> None:
    settings = secured.settings(DATABASE_PASSWORD_FILE="", DATABASE_URL=secured.server.url(secured.server.password))
    secured.project.run(secured.project.slug, "migrate", **settings)
    with secured.project.serving(**settings) as running:
        assert reason(running, 200) == "ok"
        assert secured.server.password not in running.log()


def test_backups_work_over_tls(secured: Secured) -> None:
    settings = secured.settings()
    file = secured.project.run("scripts/backup.sh", str(secured.folder), **settings).strip()
    secured.project.run("scripts/restore.sh", "--replace", file, **settings)
    secured.project.run(secured.project.slug, "migrate", **settings)
