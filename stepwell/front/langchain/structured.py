"""Structured output: the answer as JSON that a schema describes, parsed."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Literal

from langchain_core.output_parsers import BaseOutputParser, JsonOutputParser, PydanticOutputParser
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

Method = Literal["json_schema", "json_mode", "function_calling"]


def response_format(schema: Any, method: Method, strict: bool | None) -> dict[str, Any]:
    """The request's `response_format` for a schema (pydantic, TypedDict or JSON schema)."""
    if method == "json_mode":
        return {"type": "json_object"}
    function = convert_to_openai_tool(schema, strict=strict)["function"]
    described = {"name": function["name"], "schema": function["parameters"]}
    if function.get("description"):
        described["description"] = function["description"]
    if strict is not None:
        described["strict"] = strict
    return {"type": "json_schema", "json_schema": described}


def parser_of(schema: Any) -> BaseOutputParser[Any]:
    """Parses to an instance of a pydantic class, else to a dict."""
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return PydanticOutputParser(pydantic_object=schema)
    return JsonOutputParser()


def parsed(model: Runnable[Any, Any], parser: Runnable[Any, Any], *, include_raw: bool) -> Runnable[Any, Any]:
    """The model with its answer parsed; with `include_raw`, a dict of raw, parsed and parsing_error."""
    if not include_raw:
        return model | parser
    good = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    bad = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | good.with_fallbacks([bad], exception_key="parsing_error")
