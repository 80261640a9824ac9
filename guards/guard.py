"""What the pipeline calls: check what comes in, check what goes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from stepwell.base.config import GuardsConfig
from stepwell.base.decisions import Stage, Verdict
from stepwell.base.embedding import Embedder, embed_now, on_worker
from stepwell.base.messages import SYSTEM_ROLES, Answer, decode_answer
from stepwell.base.request import ChatRequest
from stepwell.guards.beside import is_bare, where
from stepwell.guards.context import Context
from stepwell.guards.describe import RuleView, described
from stepwell.guards.inputs import Inputs, VectorOf, reads_vector
from stepwell.guards.leaves import Path, is_json, put, read, texts
from stepwell.guards.payload import is_tool_input
from stepwell.guards.policy import INPUTS, OUTPUTS, Policies, Policy
from stepwell.guards.rules import Budgets
from stepwell.guards.scan import Reviews, Scan
from stepwell.guards.spans import Masking
from stepwell.guards.stream import GuardStream
from stepwell.guards.tally import Tally
from stepwell.guards.texts import schema_of, sources
from stepwell.guards.tighten import STAGES
from stepwell.guards.whole_beside import edits_beside, without_names

_ALLOWED = {"input": Verdict("input"), "output": Verdict("output")}


class Guard:
    """Checks requests and answers by the policy that holds for them; keeps nothing of them.

    Args:
        budgets: Thresholds of checks that have learned.
        embedder: For judges that embed more than the request's own text.
        reviews: The queue of what people have to look at.

    Raises:
        ConfigError: A check is unknown or does not take its options, or a route would loosen what holds for all.
    """

    def __init__(
        self,
        config: GuardsConfig,
        *,
        budgets: Budgets | None = None,
        embedder: Callable[[], Embedder] | None = None,
        reviews: Reviews | None = None,
    ) -> None:
        self._config = config
        self._policies = Policies(config, budgets or Budgets())
        self._embedder = embedder
        self._reviews = reviews
        self._inputs = Inputs(config.retrieved_marks)
        self._is_warm = False
        #: Whether some check of what comes in is helped by the request's embedding.
        self.reads_vector = any(reads_vector(p.rules[s]) for p in self._policies.all() for s in INPUTS)

    @property
    def reviews(self) -> Reviews | None:
        """The queue of what people have to look at."""
        return self._reviews

    def policy(self, request: ChatRequest) -> Policy:
        """The rules that hold for a request."""
        return self._policies.of(request)

    def any_acts(self, action: str) -> bool:
        """Whether some rule of some policy takes this action."""
        return any(p.acts(action) for p in self._policies.all())

    def describe(self) -> tuple[RuleView, ...]:
        """The effective policy, in the order in which it runs; then what each route adds or changes."""
        return described(self._policies)

    async def warm(self) -> None:
        """Load what the first judged text would wait for."""
        judges = {r.check.name: r.check for p in self._policies.all() for s in STAGES for r in p.judges[s]}
        for check in judges.values():
            await on_worker(partial(check.find, "warm"))
        self._is_warm = True

    async def check_input(
        self,
        request: ChatRequest,
        *,
        vector_of: VectorOf | None = None,
        masking: Masking | None = None,
        reviews: Reviews | None = None,
    ) -> tuple[Verdict, ChatRequest]:
        """Check every text of messages (history included), tools and whatever else the model reads.

        Args:
            vector_of: Gives the embedding of a request's own text; asked once, after values were cut out.
            masking: Makes placeholders for what is masked; without it that is redacted.
            reviews: The queue as the request asks it (guards.review.one_request); None: the queue as it is.

        Returns:
            The verdict, and the request with its texts changed and bound to tiers; the same object where nothing is.

        Raises:
            GuardBlocked: A finding blocks, or a check failed that is closed on errors.
            HeldForReview: A person has to look at it first.
            BadRequest: A field that has to be checked can't be read.
        """
        policy = self.policy(request)
        bound = _both(request.keep_to, _both(policy.keep_to, request.wishes.keep_to))
        if not policy.checks_input:
            if bound is None:
                return _ALLOWED["input"], request
        elif policy.judges_input and not self._is_warm:  # loading is not what a judge's time limit is for
            await self.warm()
        tally = Tally("input", policy=policy.version)
        if bound is not None:
            tally.bind(tuple(bound))
        if not policy.checks_input:
            return tally.verdict, _kept_to(request, tally)
        scan = self._scan(policy, request, tally, masking, reviews)
        changed = await self._inputs.values(request, policy, scan)
        changed = await self._inputs.judges(changed, policy, scan, vector_of)
        await scan.conclude()
        return tally.verdict, _kept_to(changed, tally)

    async def check_output(
        self,
        body: bytes,
        answer: Answer,
        request: ChatRequest | None = None,
        *,
        reviews: Reviews | None = None,
    ) -> tuple[Verdict, bytes, Answer]:
        """Check every text of each choice's message in `body`, a `chat.completion`; `answer` is its typed view.

        Token log probabilities repeat the text, so a changed choice loses them. What stands beside the texts is read
        too (guards.beside).

        Args:
            request: What was asked, as it was sent. Where that is a stream the stage is "stream": the answer was kept,
                or had to be whole before it goes out.
            reviews: As of check_input.

        Raises:
            GuardBlocked: As check_input; AskAgain, which is one, where the policy wants another answer.
            HeldForReview
        """
        policy = self._policies.base if request is None else self.policy(request)
        said: Stage = "stream" if request is not None and request.wire.stream else "output"
        if not policy.rules[said] and not policy.rules["tool_args"]:
            return _ALLOWED["output"], body, answer
        tally = Tally("output", policy=policy.version)
        scan = self._scan(policy, request, tally, None, reviews)
        values = policy.values[said]
        named, fields = body, read(body)
        if not (bare := is_bare(fields)):
            named = await without_names(body, values, said, scan)
            fields = fields if named is body else read(named)
        places: list[Path] = []
        edits: dict[Path, str | None] = {}
        for i, choice in enumerate(fields["choices"]):
            listed = list(texts(choice["message"], ("choices", i, "message")))
            places += [path for path, _ in listed]
            found = await _answered(listed, said, policy, scan)
            edits |= found
            if found and "logprobs" in choice:
                edits["choices", i, "logprobs"] = None
        if not bare:
            edits = {**await edits_beside(fields, places, values, said, scan), **edits}
        await scan.conclude()
        if edits:
            named = bytes(put(named, edits))
        return tally.verdict, named, answer if named is body else decode_answer(named)

    def open_stream(self, request: ChatRequest | None = None) -> GuardStream | None:
        """A guard for one streamed answer; None where nothing checks output."""
        policy = self._policies.base if request is None else self.policy(request)
        if not policy.has(("stream", "tool_args")):
            return None
        reads_context = any(r.reads_context for s in ("stream", "tool_args") for r in policy.rules[s])
        has_schema = request is not None and schema_of(request) is not None
        return GuardStream(
            policy.stream_plan if has_schema else policy.schemaless_plan,
            policy.tool_plan,
            tally=Tally("output", policy=policy.version),
            contexts=self._contexts(request) if reads_context and request is not None else None,
        )

    def asks_again(self, request: ChatRequest) -> bool:
        """Whether another answer may have to be asked for."""
        policy = self.policy(request)
        if not (policy.acts("reask", OUTPUTS) or policy.acts("escalate", OUTPUTS)):
            return False
        has_schema = schema_of(request) is not None
        rules = [r for s in OUTPUTS for r in policy.rules[s] if r.action in ("reask", "escalate")]
        return any(r.applies_to(has_schema) for r in rules)

    def needs_whole(self, request: ChatRequest) -> bool:
        """Whether a streamed answer must be whole before it goes out: others may be asked for, or people read it."""
        policy = self.policy(request)
        return policy.acts("review", ("stream", "tool_args")) or self.asks_again(request)

    def _scan(
        self,
        policy: Policy,
        request: ChatRequest | None,
        tally: Tally,
        masking: Masking | None,
        reviews: Reviews | None,
    ) -> Scan:
        scan = Scan(
            tally,
            policy.version,
            "" if request is None else request.caller.tenant or "",
            reviews or self._reviews,
            masking,
        )
        if request is not None and policy.reads_context:
            scan.contexts = self._contexts(request)
        return scan

    def _contexts(self, request: ChatRequest) -> dict[Stage, Context]:
        messages = request.wire.messages
        system = "\n".join(m.text for m in messages if m.role in SYSTEM_ROLES)
        asked = next((m.text for m in reversed(messages) if m.role == "user"), "")
        found = sources(request, self._config.retrieved_marks)
        schema = schema_of(request)
        made = {s: Context(s, "", system, asked, found, schema) for s in STAGES}
        if (load := self._embedder) is not None:
            for context in made.values():
                context.embed = partial(embed_now, load)
        return made


async def _answered(
    found: Iterable[tuple[Path, str]], said: Stage, policy: Policy, scan: Scan
) -> dict[Path, str | None]:
    """The texts of an answer that change, as they come to be."""
    edits: dict[Path, str | None] = {}
    for path, text in found:
        stage: Stage = "tool_args" if is_tool_input(path) else said
        place = where(path)
        new = await scan.clean(text, policy.values[stage], stage, place, is_json=is_json(path))
        if policy.judges[stage]:
            new = await scan.judge(new, policy.judges[stage], stage, place)
        if new != text:
            edits[path] = new
    return edits


def _kept_to(request: ChatRequest, tally: Tally) -> ChatRequest:
    if tally.keep_to == request.keep_to:
        return request
    return msgspec.structs.replace(request, keep_to=tally.keep_to)


def _both(a: frozenset[str] | None, b: frozenset[str] | None) -> frozenset[str] | None:
    if a is None or b is None:
        return b if a is None else a
    return a & b
