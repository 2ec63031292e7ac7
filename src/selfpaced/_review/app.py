"""The server of a review: who may ask what.

Only this machine reaches it. Whoever asks needs the token in the address; the names of the host and
of the page that asks are checked, so that no page of another site can use it.
"""

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from selfpaced._page.packing import packed
from selfpaced._page.page import page
from selfpaced._review.desk import Desk, Gone, Replaced
from selfpaced._text import html

# The largest number of bytes of a request; a label may be long.
MOST_BYTES = 4_000_000
# Headers of every answer: it is not kept, not framed, and its address is not told to others.
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STYLES = ("theme.css", "card.css", "review.css")
SCRIPTS = ("card.js", "picker.js", "review.js")

Answer = Callable[[Request], Awaitable[Response]]


def make_app(desk: Desk, token: str, port: int) -> Starlette:
    """Return the application.

    Args:
        desk: The review.
        token: What the address has to contain.
        port: The port of the server; requests have to name it.
    """
    hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def show(request: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(review_page, desk))

    async def state(request: Request) -> Response:
        return await _answered(desk.state)

    async def decide(request: Request) -> Response:
        asked = await _json(request)
        return await _answered(lambda: desk.decide(asked))

    async def undo(request: Request) -> Response:
        return await _answered(desk.undo)

    def guarded(answer: Answer) -> Answer:
        async def guard(request: Request) -> Response:
            refused = _refused(request, hosts, token)
            response = await answer(request) if refused is None else refused
            response.headers.update(HEADERS)
            return response

        return guard

    routes = [
        Route("/{token}/", guarded(show), methods=["GET"]),
        Route("/{token}/state", guarded(state), methods=["GET"]),
        Route("/{token}/decide", guarded(decide), methods=["POST"]),
        Route("/{token}/undo", guarded(undo), methods=["POST"]),
    ]
    return Starlette(routes=routes)


def _refused(request: Request, hosts: set[str], token: str) -> Response | None:
    """Return the refusal of a request that may not be answered; None for one that may."""
    host, origin = request.headers.get("host", ""), request.headers.get("origin")
    if host not in hosts:
        return _no(421, "This server answers to the address that selfpaced review printed only.")
    given = request.path_params.get("token", "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
        return _no(403, "The address is not the one that selfpaced review printed. Open that one.")
    if request.method not in ("GET", "HEAD"):
        if origin != f"http://{host}":
            return _no(403, "Decisions come from the page of this review only.")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _no(415, "Decisions are sent as application/json.")
    return None


def _no(status: int, why: str) -> Response:
    """Return a refusal."""
    return PlainTextResponse(f"{why}\n", status)


async def _json(request: Request) -> object:
    """Return the JSON of a request, None for text that is none."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return None
    try:
        told: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told


async def _answered(ask: Callable[[], dict[str, object]]) -> Response:
    """Ask the desk, and return its answer or its error."""
    try:
        return JSONResponse(await run_in_threadpool(ask))
    except Replaced as error:
        return JSONResponse({"error": str(error)}, 409)
    except Gone as error:
        return JSONResponse({"error": str(error.args[0])}, 404)
    except ValueError as error:
        return JSONResponse({"error": str(error)}, 400)
    except OSError as error:
        return JSONResponse({"error": f"Nothing was saved: {error}"}, 507)


def review_page(desk: Desk) -> str:
    """Return the page of a review, with all samples."""
    gallery = desk.gallery
    body = (
        f'<header><p class="file">{html(gallery.name)}</p><p class="muted">Reviewed by '
        f'<bdi>{html(desk.reviewer)}</bdi></p><p id="count" aria-live="polite"></p>'
        '<div id="bar" aria-hidden="true"></div></header><main><h1 class="hidden">Review of '
        f"<bdi>{html(gallery.name)}</bdi></h1><noscript><p>The review needs JavaScript, which this "
        'browser does not run.</p></noscript><div id="review"></div></main>'
    )
    return page(
        f"Review of {gallery.name}",
        body,
        data={
            "place": gallery.place,
            "more": gallery.more,
            "most": gallery.most,
            "classes": gallery.classes,
            "reviewer": desk.reviewer,
        },
        arrays={"cases": packed([asdict(case) for case in gallery.cases])},
        styles=STYLES,
        scripts=SCRIPTS,
        server=True,
    )
