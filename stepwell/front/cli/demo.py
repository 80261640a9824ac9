"""`make demo`: real questions through a real server, by the official openai client."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openai import OpenAI, Stream
    from openai.types.chat import ChatCompletionChunk, ChatCompletionUserMessageParam

MAX_USD = "0.02"
N_ROWS = 24
SECRET = "".join(
    ("AK", "IA", "Q3EGRIJ7WZ4UTNYP")
)  # made up; in two pieces so that scanners leave this file alone


@dataclass(frozen=True, slots=True)
class Question:
    about: str
    text: str
    is_stream: bool = False


ONE_WORD = "Classify the sentiment as positive or negative. Answer with one word.\nReview: {}"
SENTIMENT = ONE_WORD.format("The train was late and the seats were dirty.")
QUESTIONS = (
    Question("a label", SENTIMENT),
    Question(
        "a label, streamed", ONE_WORD.format("The guide was kind and the tour was great fun."), is_stream=True
    ),
    Question("a rewrite", "Rewrite this sentence in the past tense: The farmer plants potatoes in spring."),
    Question("another", "Rewrite this sentence in the past tense: She opens the window."),
    Question("asked again", SENTIMENT),
    Question("a secret in it", ONE_WORD.format(f"I typed my key {SECRET} and the page crashed, terrible.")),
    Question("history", "Why did the Roman Republic fall, and which reforms of the Gracchi came too late?"),
    Question("mathematics", "Prove that there are infinitely many primes congruent to 3 modulo 4."),
)


def main() -> int:
    """Ask every question and print what happened; 0 where every one ended as it should."""
    import openai

    with _server() as base_url:
        client = openai.OpenAI(base_url=base_url, api_key="none needed on loopback", max_retries=0)
        print(f"serving {base_url}; {len(QUESTIONS)} questions by openai {openai.__version__}\n")
        n_answered = sum(_one(client, q) for q in QUESTIONS)
    keys = [name for name in ("OPENAI_API_KEY",) if os.environ.get(name)]
    print(f"{n_answered} of {len(QUESTIONS)} answered; paid keys found: {', '.join(keys) or 'none'}\n")
    is_measured = _measured()
    return 0 if n_answered >= 6 and is_measured else 1


def _measured() -> bool:
    """Some rows of the suite that ships, on the local tier: the verdict's table, and whether there was one."""
    print(f"measuring the local tier on {N_ROWS} rows of the suite that ships (stepwell eval run chatbot)")
    line = ["eval", "run", "chatbot", "--tiers", "local", "--limit", str(N_ROWS), "--out", "run"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-m", "stepwell.front.cli", *line], cwd=folder, check=False)
    return done.returncode == 0


def _one(client: OpenAI, question: Question) -> bool:
    import openai

    print(f"--- {question.about}: {_short(question.text)}")
    try:
        headers, answer = _ask(client, question)
    except openai.APIStatusError as e:
        error = e.body if isinstance(e.body, dict) else {}
        print(f"    not answered ({e.status_code} {error.get('code')}): {error.get('message')}\n")
        return False
    _line("tier", f"{headers.get('x-stepwell-tier')} ({headers.get('x-stepwell-model')})")
    _line("p(ok)", headers.get("x-stepwell-p-ok", "not asked: the cache served"))
    _line("cost", f"${float(headers.get('x-stepwell-cost-usd', '0')):.6f}")
    _line("cache", headers.get("x-stepwell-cache", "off"))
    verdicts = [f"{s} {headers.get(f'x-stepwell-guard-{s}', 'see stream')}" for s in ("input", "output")]
    _line("guards", ", ".join(verdicts))
    _line("why", headers.get("x-stepwell-why", ""))
    _line("answer", answer.strip())
    print()
    return True


def _ask(client: OpenAI, question: Question) -> tuple[Mapping[str, str], str]:
    create = client.chat.completions.with_raw_response.create
    limits = {"x-stepwell-max-usd": MAX_USD}
    message: ChatCompletionUserMessageParam = {"role": "user", "content": question.text}
    if question.is_stream:
        started = create(
            model="auto", messages=[message], max_tokens=60, temperature=0, extra_headers=limits, stream=True
        )
        chunks: Stream[ChatCompletionChunk] = started.parse()
        return started.headers, "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    raw = create(model="auto", messages=[message], max_tokens=60, temperature=0, extra_headers=limits)
    return raw.headers, raw.parse().choices[0].message.content or ""


def _line(name: str, value: str) -> None:
    print(textwrap.fill(f"{name:>8}  {value}", width=110, subsequent_indent=" " * 10, break_long_words=False))


def _short(text: str) -> str:
    text = " ".join(text.replace(SECRET, "[an access key]").split())
    return text if len(text) <= 100 else text[:97] + "..."


@contextmanager
def _server() -> Iterator[str]:
    """The server in a process and a folder of its own, on a free port, with the embedded default."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "stepwell.front.cli", "serve", "--port", "0"]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            if found is None:
                raise SystemExit("stepwell: the server did not start")
            yield found[0]
        finally:
            process.terminate()
            process.wait(30)


if __name__ == "__main__":
    sys.exit(main())
