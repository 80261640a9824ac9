"""An answer on its way to the caller: guarded, and with the values that placeholders stand for put back."""

from __future__ import annotations

from stepwell.base.messages import Answer, decode_answer
from stepwell.guards.guard import Guard
from stepwell.run import Run


async def guarded(guard: Guard, run: Run, body: bytes, answer: Answer) -> tuple[bytes, Answer]:
    """Check an answer, then put values back; `run.said` is the answer without them, where there were any.

    Raises:
        GuardBlocked: AskAgain, where the policy wants another answer.
    """
    verdict, body, answer = await guard.check_output(body, answer, run.request)
    run.trace.guard_output = verdict if verdict.policy else run.trace.guard_output
    if run.vault is None or run.vault.is_empty:
        return body, answer
    from stepwell.guards.masks.restorer import restore_body

    run.said = body
    body = restore_body(body, run.vault)
    return body, decode_answer(body)
