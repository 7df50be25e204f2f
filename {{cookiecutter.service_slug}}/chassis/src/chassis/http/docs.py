"""The documentation of the API at /docs: Swagger UI, served by the service itself.

Nothing comes from another origin, so that it works without internet and within a strict Content Security Policy. The
files are those of npm's `swagger-ui-dist`, packed; `swagger_ui/SHA256SUMS` has their version.
"""

import gzip
from collections.abc import Mapping
from functools import cache
from html import escape
from http import HTTPStatus
from importlib.resources import files
from typing import NamedTuple

import orjson
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

PATH = "/docs"
# Swagger UI writes style attributes, and its images are data. The API of another origin could not be tried out anyway.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Links are relative, so that they lead to the service also if a proxy serves it below a prefix.
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="docs/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""
_ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
<rect width="16" height="16" rx="3" fill="#173647"/>
<path d="M6 3C3 3 5 8 3 8c2 0 0 5 3 5M10 3c3 0 1 5 3 5-2 0 0 5-3 5" fill="none" stroke="#85ea2d" stroke-width="1.6"/>
</svg>
"""


class Asset(NamedTuple):
    """A file of the page.

    Args:
        media_type: of its content.
        packed: the content, compressed by gzip.
    """

    media_type: str
    packed: bytes


@cache
def assets() -> Mapping[str, Asset]:
    """The files of the page by name; read when the page is first requested."""
    folder = files(__package__) / "swagger_ui"
    return {
        "icon.svg": Asset("image/svg+xml", gzip.compress(_ICON.encode())),
        "start.js": Asset("text/javascript", gzip.compress(_START.encode())),
        "swagger-ui.css": Asset("text/css", (folder / "swagger-ui.css.gz").read_bytes()),
        "swagger-ui-bundle.js": Asset("text/javascript", (folder / "swagger-ui-bundle.js.gz").read_bytes()),
    }


def create_document_router() -> APIRouter:
    """The OpenAPI document of the application that it belongs to."""
    router = APIRouter(include_in_schema=False)

    @router.get("/openapi.json")
    async def get_document(request: Request) -> Response:
        return Response(orjson.dumps(request.app.openapi()), media_type="application/json")

    return router


def create_docs_router(title: str) -> APIRouter:
    """The page, which shows the OpenAPI document, and its files.

    Args:
        title: of the page.
    """
    router = APIRouter(include_in_schema=False)
    page = _PAGE.format(title=escape(title))

    @router.get(PATH)
    async def show_docs() -> Response:
        return Response(page, media_type="text/html", headers={"content-security-policy": POLICY})

    @router.get(PATH + "/{name}")
    async def get_asset(request: Request, name: str) -> Response:
        asset = assets().get(name)
        if asset is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        headers = {"cache-control": "public, max-age=3600", "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(asset.packed, headers=headers | {"content-encoding": "gzip"}, media_type=asset.media_type)
        return Response(gzip.decompress(asset.packed), headers=headers, media_type=asset.media_type)

    return router
