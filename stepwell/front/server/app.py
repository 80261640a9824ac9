"""The ASGI app: an OpenAI-compatible face of a well."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import traceback
from urllib.parse import unquote

from stepwell.base.errors import BadKey, BadRequest, StepwellError
from stepwell.front.server import cache
from stepwell.front.server.cache_metrics import cache_metrics
from stepwell.front.server.chat import chat
from stepwell.front.server.conversations import conversations, place_of
from stepwell.front.server.embeddings import embeddings
from stepwell.front.server.feedback import feedback
from stepwell.front.server.http import (
    Disconnected,
    Headers,
    NotFound,
    Receive,
    Scope,
    Send,
    WrongMethod,
    read_body,
    require_json,
    send_body,
    send_error,
    send_json,
)
from stepwell.front.server.keys import LOOPBACK, Keys
from stepwell.front.server.openapi import description
from stepwell.front.server.reviews import MayNotReview, ReviewPlace, review_place_of, reviews
from stepwell.front.server.wishes import read_wishes
from stepwell.well import Stepwell

log = logging.getLogger("stepwell")

METHODS = {
    "/v1/chat/completions": ("POST",),
    "/v1/embeddings": ("POST",),
    "/v1/feedback": ("POST",),
    "/v1/cache/report": ("POST",),
    "/v1/cache": ("DELETE",),
    "/v1/models": ("GET",),
    "/healthz": ("GET",),
    "/readyz": ("GET",),
    "/metrics": ("GET",),
    "/openapi.json": ("GET",),
}


class App:
    """One well behind HTTP.

    Args:
        checks_host: Answer only to loopback names in the Host header: without keys, that stops web pages which
            rebind their name to 127.0.0.1.
    """

    def __init__(self, well: Stepwell, *, checks_host: bool = False) -> None:
        self._well = well
        self._pipeline = well.pipeline
        self._keys = Keys(well.config.server)
        self._max_body_bytes = well.config.server.max_body_bytes
        config = well.config
        headers = [*(r.header for r in config.routing.rules), *(r.header for r in config.guards.routes)]
        self._rules_read_headers = any(headers)
        self._checks_host = checks_host and self._keys.is_open
        self._started_s = int(time.time())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._lifespan(receive, send)
        if scope["type"] != "http":
            return None
        try:
            await self._http(scope, receive, send)
        except StepwellError as e:
            await send_error(send, e)
        except (asyncio.CancelledError, Disconnected):
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()  # the client left; there is nobody to answer
        except RecursionError:  # nested to within a few levels of what parsing takes
            await send_error(send, BadRequest("The body is nested too deeply.", code="invalid_json"))
        except Exception as e:  # noqa: BLE001 - the server's edge: nothing of ours may reach the client as a traceback
            where = traceback.extract_tb(e.__traceback__)[-1]
            log.error(
                "%s at %s:%s", type(e).__name__, where.filename, where.lineno
            )  # its text may hold a prompt
            with contextlib.suppress(
                RuntimeError
            ):  # within an answer: uvicorn cuts it, which no client takes for a clean end
                await send_error(send, StepwellError("Internal error."))
        return None

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/v1/chat/completions" and scope["method"] == "POST":
            headers: Headers = scope["headers"]
            tenant = self._tenant(headers, has_body=True)
            wishes = read_wishes(headers, with_headers=self._rules_read_headers)
            body = await read_body(receive, self._max_body_bytes)
            return await chat(self._pipeline, body, tenant, wishes, receive, send)
        return await self._rest(path, scope, receive, send)

    def _tenant(self, headers: Headers, *, has_body: bool) -> str:
        """Check host, key and content type in one pass.

        Raises:
            BadKey, WrongType
        """
        authorization = content_type = host = b""
        for name, value in headers:
            if name == b"authorization":
                authorization = value
            elif name == b"content-type":
                content_type = value
            elif name == b"host":
                host = value
        self._check_host(host)
        tenant = self._keys.tenant(authorization)
        if has_body and content_type != b"application/json":
            require_json(content_type, headers)
        return tenant

    def _check_host(self, host: bytes) -> None:
        if self._checks_host and _hostname(host) not in LOOPBACK:
            raise BadKey("Without API keys only loopback names are served.")

    def _check_reviewer(self, headers: Headers) -> None:
        """An application that asks for its tenant must not let its own asks pass."""
        authorization = next((value for name, value in headers if name == b"authorization"), b"")
        if not self._keys.may_review(authorization):
            raise MayNotReview("This key may not review: server.keys says which may.")

    async def _rest(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        method, place = scope["method"], place_of(scope) or review_place_of(scope)
        methods = METHODS.get(path, ()) if place is None else place.methods
        if path.startswith("/v1/models/"):
            methods = ("GET",)
        if not methods:
            raise NotFound("There is nothing at this path.", code="not_found")
        if method not in methods:
            allow: Headers = [(b"allow", ", ".join(methods).encode())]
            return await send_error(send, WrongMethod(f"This path takes {' and '.join(methods)}."), allow)
        if path == "/healthz":
            return await send_json(send, {"status": "ok"})
        headers: Headers = scope["headers"]
        self._check_host(next((value for name, value in headers if name == b"host"), b""))
        if path == "/readyz":
            return await self._ready(send)
        if path == "/openapi.json":
            return await send_json(send, description())
        tenant = self._tenant(headers, has_body=method != "GET")
        if path == "/metrics":  # dollars and tenants' habits are for those with a key
            text = self._pipeline.metrics.render() + cache_metrics(self._pipeline)
            plain: Headers = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")]
            return await send_body(send, 200, text, plain)
        if isinstance(place, ReviewPlace):
            self._check_reviewer(headers)
            body = await read_body(receive, self._max_body_bytes)
            return await reviews(self._pipeline, place, scope, body, tenant, send)
        if place is not None:
            body = await read_body(receive, self._max_body_bytes)
            return await conversations(self._well, place, scope, body, tenant, send)
        if path == "/v1/embeddings":
            return await embeddings(self._pipeline, await read_body(receive, self._max_body_bytes), send)
        if path == "/v1/feedback":
            return await feedback(self._well, await read_body(receive, self._max_body_bytes), tenant, send)
        if path == "/v1/cache/report":
            return await cache.report(
                self._well, await read_body(receive, self._max_body_bytes), tenant, send
            )
        if path == "/v1/cache":
            return await cache.erase(self._well, await read_body(receive, self._max_body_bytes), tenant, send)
        return await self._models(path, send)

    async def _ready(self, send: Send) -> None:
        """Ready where at least one tier has what it needs; which ones is told only where no keys are set."""
        lacks = {t.name: t.missing_key for t in self._well.tiers}
        is_ready = any(v is None for v in lacks.values())
        state: dict[str, object] = {"status": "ready" if is_ready else "not ready"}
        if self._keys.is_open:
            state["tiers"] = {k: v or "ok" for k, v in lacks.items()}
        await send_json(send, state, 200 if is_ready else 503)

    async def _models(self, path: str, send: Send) -> None:
        listed = [
            {
                "id": name,
                "object": "model",
                "created": self._started_s,
                "owned_by": "stepwell",
                "context_window": window,
            }
            for name, window in self._pipeline.router.listed_models()
        ]
        if path == "/v1/models":
            return await send_json(send, {"object": "list", "data": listed})
        wanted = unquote(path.removeprefix("/v1/models/"))
        found = next((m for m in listed if m["id"] == wanted), None)
        if found is None:
            raise NotFound("There is no such model.", param="model", code="model_not_found")
        return await send_json(send, found)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._pipeline.warm()
            elif message["type"] == "lifespan.shutdown":
                await self._well.aclose()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return


def _hostname(host: bytes) -> str:
    name = host.decode("latin-1").lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]


def create_app(well: Stepwell, *, checks_host: bool = False) -> App:
    """The well as an ASGI app; its lifespan's end closes the well."""
    return App(well, checks_host=checks_host)
