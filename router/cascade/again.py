"""Ask the same tier a second time so that its second answer is an opinion of its own."""

from __future__ import annotations

from msgspec import Raw, structs

from stepwell.base.messages import Message, encode_json
from stepwell.base.request import ChatRequest, Cut
from stepwell.base.tokens import upper_bound

# another prompt, not another temperature: some models take none, and greedy decoding would repeat itself
HINTS = (
    "Work it out afresh, check each step, then give the answer in the form that is asked for.",
    "Consider what speaks against your first thought, then give the answer in the form that is asked for.",
)
# in any vocabulary, so that a dollar limit holds
N_MORE_TOKENS = max(upper_bound([Message("system", hint)], None) for hint in HINTS)


def asked_again(request: ChatRequest, nth: int) -> ChatRequest:
    """The request in other words.

    Args:
        nth: 0 the first time, which changes nothing.
    """
    if nth == 0:
        return request
    hint = Raw(encode_json({"role": "system", "content": HINTS[(nth - 1) % len(HINTS)]}))
    messages = bytes(request.fields["messages"]).strip()
    changed = {"messages": Raw(b"[" + bytes(hint) + b"," + messages[1:])}
    if request.wire.seed is not None:
        changed["seed"] = Raw(encode_json(request.wire.seed + nth))
    made = request.with_fields(changed)
    if request.cuts is None:
        return made
    moved = {t: Cut((0, *(place + 1 for place in cut.kept)), cut.note) for t, cut in request.cuts.items()}
    return structs.replace(made, cuts=moved)
