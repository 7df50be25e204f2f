"""Load that ends by itself: create, read, list, confirm. `make load` runs it against a service on this machine."""

import os
import secrets
from typing import Any
from urllib.parse import urlsplit

from locust import FastHttpUser, between, events, task
from locust.exception import StopUser

URL = "/v1/{{ cookiecutter.__resource }}"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
{{ "# Made by `make load`; set it for a service with an issuer of its own.\nFastHttpUser.default_headers = {\"Authorization\": f\"Bearer {os.environ['LOAD_TOKEN']}\"}\n" if cookiecutter.auth != "none" else "" }}

@events.init.add_listener
def refuse_other_machines(environment: Any, **_: Any) -> None:
    """What load writes stays there: another machine gets it only if it was named on purpose."""
    host = urlsplit(environment.host or "").hostname
    if host is None:
        raise SystemExit("say where the service runs, for example: --host http://127.0.0.1:8000")
    if host not in {*LOOPBACK, os.environ.get("LOAD_ALLOW_HOST")}:
        raise SystemExit(f"{host} is not this machine; if you mean it, set LOAD_ALLOW_HOST={host}")


@events.init.add_listener
def refuse_to_run_for_ever(environment: Any, **_: Any) -> None:
    """An end that nobody names is an end that everybody forgets."""
    if not environment.parsed_options.run_time:
        raise SystemExit("say when to end, for example: --run-time 30s")


class Client(FastHttpUser):
    """Does what clients do: many reads, some changes."""

    wait_time = between(0.05, 0.2)
    latest = ""

    def on_start(self) -> None:
        """Have something to read."""
        if not self.create():
            raise StopUser

    @task(6)
    def read(self) -> None:
        """The one that this client created last."""
        self.client.get(self.latest, name=URL + "/{id}")

    @task(2)
    def read_list(self) -> None:
        """The newest ones, and the page after them."""
        with self.client.get(URL, params={"limit": 20}, name=URL, catch_response=True) as page:
            cursor = page.json()["next_cursor"] if page.status_code == 200 else None
        if cursor:
            self.client.get(URL, params={"limit": 20, "cursor": cursor}, name=URL + "?cursor")

    @task(2)
    def create(self) -> str:
        """A new one, with a key as careful clients send it; gives its ETag, nothing if it was refused."""
        draft = {"reference": f"LOAD-{secrets.token_hex(4)}", "quantity": 1}
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        created = self.client.post(URL, json=draft, headers=headers)
        if created.status_code != 201:
            return ""
        self.latest = created.headers["location"]
        return str(created.headers["etag"])

    @task(1)
    def confirm(self) -> None:
        """A new one, at the version that was just read."""
        if etag := self.create():
            self.client.post(self.latest + "/confirm", headers={"If-Match": etag}, name=URL + "/{id}/confirm")
