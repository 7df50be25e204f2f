"""MySQL itself, beside MariaDB, for tests: `python -m tools.mysql_server` fetches it and shows how to start it.

Debian's stable releases carry MariaDB only, and sid carries MySQL. apt fetches the server from there with everything
that it needs, down to the C library, with lists and packages of its own below `.cache`: the machine's own packages and
sources stay as they are. The mirror is the one in the machine's sources, and apt verifies the signature of the suite
and the hash of each package. The server is unpacked and started with its own dynamic loader.
"""

import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import environments, options
from tools.private_server import PrivateServer, ServerError, free_ports

NAME = "MySQL 9"
HOW_TO_GET = "python -m tools.mysql_server, on Debian"
PACKAGE = "mysql-server-core"
# sid only has the newest version of each package, so a version is pinned by its series, which gets fixes only.
SERIES = "9.7."
SUITE = "sid"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
FOLDER = options.ROOT / ".cache" / "mysql-server"
FETCH_SECONDS = 600
# Small, because tests of several servers run beside each other; safe when the process is killed, not when power fails.
OPTIONS = (
    "--mysqlx=OFF",
    "--secure-file-priv=NULL",
    "--skip-log-bin",
    "--innodb-buffer-pool-size=64M",
    "--innodb-redo-log-capacity=32M",
    "--innodb-log-buffer-size=1M",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-doublewrite=OFF",
    "--max-connections=150",
    "--table-open-cache=400",
    "--table-definition-cache=400",
)


def version() -> str | None:
    """The version that was fetched; None if there is none."""
    stamp = FOLDER / "version.txt"
    return stamp.read_text(encoding="utf-8") if stamp.exists() else None


def fetch() -> str:
    """Fetch the server, unless that was done; returns its version. Raises ServerError if it is not to be had."""
    with environments.locked(FOLDER.with_suffix(".lock")):
        found = version()
        if found is None or not found.startswith(SERIES):
            shutil.rmtree(FOLDER, ignore_errors=True)
            FOLDER.mkdir(parents=True)
            found = _download()
            _initialize()
            (FOLDER / "version.txt").write_text(found, encoding="utf-8")
        return found


def command(data: Path) -> list[str]:
    """Starts the server on a folder of data, which it can be given with `--initialize-insecure`."""
    root = FOLDER / "root"
    [loader] = root.glob("usr/lib/*-linux-gnu/ld-linux-*.so.*")
    libraries = loader.parent
    return [
        *(str(loader), "--library-path", str(libraries), str(root / "usr/sbin/mysqld"), "--no-defaults"),
        *(["--user=root"] if os.geteuid() == 0 else []),
        f"--datadir={data}",
        f"--lc-messages-dir={root / 'usr/share/mysql'}",
        f"--plugin-dir={libraries / 'mysql/plugin'}",
        *OPTIONS,
    ]


@contextmanager
def running() -> Iterator[str]:
    """The server on a free port with data of its own, inside the block; yields its URL. Raises ServerError."""
    with tempfile.TemporaryDirectory(prefix="mysql-") as folder:
        data, [port] = Path(folder) / "data", free_ports(1)
        shutil.copytree(FOLDER / "data", data)
        place = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder}/socket", f"--pid-file={folder}/pid"]
        server = PrivateServer([*command(data), *place], port, Path(folder) / "log")
        try:
            server.start()
            yield f"mysql://root@127.0.0.1:{port}/"
        finally:
            server.stop()


def _download() -> str:
    """Fetch and unpack the packages; returns the version of the server."""
    with tempfile.TemporaryDirectory(prefix="apt-") as name:
        folder = Path(name)
        apt = _apt(folder)
        _run("apt-get", "update", apt=apt)
        offered = candidate(_run("apt-cache", "policy", PACKAGE, apt=apt))
        install = ["install", "--no-install-recommends", "--download-only", f"{PACKAGE}={offered}"]
        _run("apt-get", "-y", *install, apt=apt)
        for package in sorted((folder / "cache/archives").glob("*.deb")):
            _run("dpkg-deb", "--extract", str(package), str(FOLDER / "root"))
        return offered


def _apt(folder: Path) -> Path:
    """Makes a configuration of apt that knows one suite and no installed package; returns its file."""
    for each in ("sources", "state/lists/partial", "cache/archives/partial"):
        (folder / each).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "sources/suite.sources").write_text(
        f"Types: deb\nURIs: {_mirror()}\nSuites: {SUITE}\nComponents: main\nSigned-By: {KEYRING}\n", encoding="utf-8"
    )
    settings = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": folder / "sources",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "",  # the folder belongs to this user
    }
    configuration = folder / "apt.conf"
    configuration.write_text("".join(f'{name} "{value}";\n' for name, value in settings.items()), encoding="utf-8")
    return configuration


def _mirror() -> str:
    """Where this machine has Debian from. Raises ServerError where that is nowhere."""
    release = platform.freedesktop_os_release()
    wanted = [release.get("VERSION_CODENAME"), "main"]
    if release.get("ID") == "debian" and shutil.which("apt-get"):
        for line in _run("apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)").splitlines():
            *named, mirror = line.split()
            if named == wanted:
                return mirror
    raise ServerError(f"{NAME} is fetched with apt, and no source of this machine is Debian's")


def candidate(policy: str) -> str:
    """The version that apt would install, by what `apt-cache policy` prints.

    Raises ServerError if it is not of the series.
    """
    found = next((line.split()[1] for line in policy.splitlines() if line.strip().startswith("Candidate:")), "none")
    if not found.startswith(SERIES):
        raise ServerError(f"{SUITE} has {PACKAGE} {found}, not {SERIES}x: try the newer one, then change SERIES")
    return found


def _initialize() -> None:
    """Make the data that each server starts with a copy of: root has no password."""
    _run(*command(FOLDER / "data"), "--initialize-insecure")


def _run(*words: str, apt: Path | None = None) -> str:
    environment = os.environ | {"LC_ALL": "C"} | ({"APT_CONFIG": str(apt)} if apt else {})
    try:
        done = subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerError(f"{words[0]}: {error}") from error
    if done.returncode:
        raise ServerError(f"{' '.join(words[:2])}: {done.stderr.strip()}")
    return done.stdout


def main() -> int:
    """Fetch it, and show how to start it."""
    try:
        print(f"MySQL {fetch()}; the first time on an empty folder, with --initialize-insecure at the end:")
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    print(shlex.join([*command(Path("DATA")), "--port=13306", "--bind-address=127.0.0.1"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
