"""POST /v1/embeddings: the house's own embedder, in OpenAI's shape."""

from __future__ import annotations

import asyncio
import base64
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from stepwell.base import tokens
from stepwell.base.embedding import Embedder
from stepwell.base.errors import BadRequest, UnknownModel
from stepwell.base.request import bad_field
from stepwell.front.server.http import Send, send_json
from stepwell.pipeline import Pipeline

MAX_TEXTS = 2048
_MINILM = ("minilm", "all-MiniLM-L6-v2")


class EmbeddingRequest(msgspec.Struct):
    input: str | Annotated[list[str], Meta(min_length=1, max_length=MAX_TEXTS)]
    model: str = ""
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None


async def embeddings(pipeline: Pipeline, body: bytes, send: Send) -> None:
    """Embed one text or a list.

    Raises:
        BadRequest: Names the field at fault; UnknownModel: another model's vectors are wanted.
    """
    asked = _parse(body)
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    if not all(texts):
        raise BadRequest("input must not hold an empty text", param="input")
    if pipeline.embedder is None:
        raise BadRequest("no embedder is configured", param="model")
    embedder = await asyncio.to_thread(pipeline.embedder)
    if not _is_asked_for(asked.model, embedder):
        raise UnknownModel("There is no such embedding model; 'auto' is the one configured.", param="model")
    if asked.dimensions not in (None, embedder.dim):
        raise BadRequest(f"dimensions can only be {embedder.dim}", param="dimensions")
    vectors = await asyncio.to_thread(embedder.embed, texts)
    n_tokens = sum(tokens.estimate_text(t) for t in texts)
    data = [
        {
            "object": "embedding",
            "index": i,
            "embedding": base64.b64encode(v.tobytes()).decode()
            if asked.encoding_format == "base64"
            else v.tolist(),
        }
        for i, v in enumerate(vectors)
    ]
    usage = {"prompt_tokens": n_tokens, "total_tokens": n_tokens}
    await send_json(send, {"object": "list", "data": data, "model": embedder.name, "usage": usage})


def _is_asked_for(model: str, embedder: Embedder) -> bool:
    if model in ("", "auto", embedder.name):
        return True
    return model in _MINILM and embedder.name.startswith("minilm-")


def _parse(body: bytes) -> EmbeddingRequest:
    try:
        return msgspec.json.decode(body, type=EmbeddingRequest)
    except msgspec.ValidationError as e:
        raise bad_field(e) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("The body is not valid JSON.", code="invalid_json") from None
