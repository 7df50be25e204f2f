"""The page /docs: everything that it needs comes from the service."""

import gzip
import hashlib
import re
from html.parser import HTMLParser
from importlib.resources import files

import httpx2
import pytest

from chassis.http.docs import POLICY

from .conftest import Lines

FOLDER = files("chassis.http") / "swagger_ui"
SUMS = [line.split() for line in (FOLDER / "SHA256SUMS").read_text().splitlines() if not line.startswith("#")]


class Page(HTMLParser):
    """What a page loads, and whether it has scripts or styles of its own, which a strict policy forbids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each tag."""
        given = dict(attrs)
        if link := given.get("src") or given.get("href"):
            self.loaded.append(link)
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in given) else []


async def test_the_page_loads_nothing_from_another_origin(client: httpx2.AsyncClient) -> None:
    response = await client.get("/docs")
    assert response.headers["content-security-policy"] == POLICY
    page = Page(response.text)
    assert not page.inline
    assert [link.rpartition(".")[2] for link in page.loaded] == ["svg", "css", "js", "js"]
    start = (await client.get("/docs/start.js")).text
    for link in (*page.loaded, *re.findall(r'url: "(.*)"', start)):
        assert not re.match(r"\w+:|//|/", link)
        loaded = await client.get(f"/{link}")
        assert (loaded.status_code, loaded.headers["x-content-type-options"]) == (200, "nosniff")
        assert loaded.content
    css = (await client.get("/docs/swagger-ui.css")).text
    assert not re.search(r"@import|url\((?!['\"]?data:)", css)


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_files_are_sent_as_the_client_accepts_them(client: httpx2.AsyncClient, encoding: str) -> None:
    for digest, name in SUMS:
        response = await client.get(f"/docs/{name}", headers={"accept-encoding": encoding})
        assert response.headers.get("content-encoding", "identity") == encoding
        assert hashlib.sha256(response.content).hexdigest() == digest


def test_the_files_are_those_of_the_version() -> None:
    assert len(SUMS) == 2
    for digest, name in SUMS:
        content = (FOLDER / f"{name}.gz").read_bytes()
        assert hashlib.sha256(gzip.decompress(content)).hexdigest() == digest
        assert len(content) < 500_000  # what hooks for large files accept


async def test_a_file_that_does_not_exist_is_404(client: httpx2.AsyncClient) -> None:
    for name in ("nothing.js", "SHA256SUMS", "..%2Fdocs.py"):
        assert (await client.get(f"/docs/{name}")).status_code == 404


async def test_the_page_and_the_document_have_routes(client: httpx2.AsyncClient, logged: Lines) -> None:
    for path in ("/docs", "/docs/start.js", "/openapi.json"):
        assert (await client.get(path)).status_code == 200
    assert [line["route"] for line in logged() if line["event"] == "request"] == [
        "/docs",
        "/docs/{name}",
        "/openapi.json",
    ]
    refused = await client.post("/docs")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")
