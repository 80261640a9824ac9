"""A tool's failure, and texts that only speak of failures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.failures import is_failure

TRACE = (
    'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    f()\nValueError: bad value'
)


@pytest.mark.parametrize(
    "text",
    [
        "Error: no such tool",
        "ValueError: bad value",
        TRACE,
        "running...\n" + TRACE,
        '{"error": "quota"}',
        '{"error": {"code": 7}}',
        '{"isError": true, "content": []}',
        '{"is_error": true}',
        '{"success": false}',
        '{"exit_code": 2, "output": ""}',
        '{"status": 503}',
        '{"status": "error"}',
        '{"status_code": 404, "body": "x"}',
        "collected 3 items\n1 failed\nProcess exited with code 1",
        "Exit code: 127\n/bin/sh: foo",
        "<returncode>1</returncode>\n<output>\n</output>",
        "bash: foo: command not found",
        "cat: /tmp/x: No such file or directory",
        "HTTP/1.1 500 Internal Server Error\n\n",
        "HTTP Error 404: Not Found",
        "Request failed with status code 429",
        "<tool_use_error>File has not been read yet</tool_use_error>",
        "fatal: not a git repository",
    ],
)
def test_failures(text: str) -> None:
    assert is_failure(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "Error handling in Python: raise ValueError('error: x') and catch it.",
        "The page explains HTTP 404 and exit code 1.\nSee also: errors",
        "def f():\n    raise ValueError('Error: no')\n",
        "     1\tTraceback (most recent call last):\n     2\tValueError: x",
        "How to read a trace\n" + TRACE + "\n\nThe last line names the error.\nAsk if unsure.",
        '{"error": null, "rows": [1]}',
        '{"error": 0.031, "loss": 1.2}',
        '{"error": "none"}',
        '{"errors": []}',
        '{"status": 200}',
        '{"status": "ok", "exit_code": 0}',
        '{"title": "Error 404 explained", "text": "error: everywhere"}',
        "tests passed\nProcess exited with code 0",
        "<returncode>0</returncode>\n<output>done</output>",
        "src/a.py:12: log('Error: no')\nsrc/b.py:3: # fatal: never",
        "12 passed, 0 failed",
        "Status: 200",
        "code: 7",
        "exit code: 0",
        "{not json",
    ],
)
def test_ordinary_results(text: str) -> None:
    assert not is_failure(text)


@given(st.text(max_size=400))
def test_any_text_gets_an_answer(text: str) -> None:
    assert is_failure(text) in (True, False)


@given(st.text(alphabet='{}[]":, error\n0123456789\\', max_size=200))
def test_near_json_gets_an_answer(text: str) -> None:
    assert is_failure("{" + text + "}") in (True, False)


@pytest.mark.parametrize(
    "piece", ["{", "[", "<", "Error", "Traceback (most recent call last):\n", "code\nexit code 1\n"]
)
def test_long_texts_are_read_at_their_ends_only(piece: str) -> None:
    assert not is_failure(piece * 50_000 + "\nall is well\nreally\nyes, it is")
