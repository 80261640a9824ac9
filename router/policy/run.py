"""Run a plugged-in policy: under a time limit, with the heuristic where it fails or is late."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import math
from collections.abc import Callable, Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from stepwell.base import plug
from stepwell.base.errors import ConfigError
from stepwell.router.features import Ask
from stepwell.router.policy.base import Estimates, Policy
from stepwell.router.policy.heuristic import Heuristic
from stepwell.router.text import plain
from stepwell.router.tierinfo import TierInfo

if TYPE_CHECKING:
    from stepwell.router.learned.bundle import Card

_MAX_THREADS = 4
_MAX_REASONS = 5


_LEARNED = "learned:"
# ours are quick, and tested never to raise: they run where they are asked
_OURS = ("heuristic", "coldstart", "learned")


def load_policy(
    spec: str, *, tiers: Sequence[TierInfo] = (), embedder: str = "", min_quality: float | None = None
) -> Policy:
    """The policy that `routing.policy` names.

    Args:
        tiers: That it will be asked about.
        embedder: Name of the embedder whose vectors it will be given.
        min_quality: Promised share of the dearest tier's quality.

    Raises:
        ConfigError: Nothing has that name, its factory failed, what it made has no `estimate`, or a learned
            policy was made for other tiers, another embedder or a lower promise.
    """
    if min_quality is not None and not spec.startswith(_LEARNED):
        raise ConfigError(
            f"promises.min_quality needs a policy that was tuned for it, not {spec!r}: run `stepwell tune OUTCOMES "
            f"--min-quality {min_quality:g} --out FOLDER` and set routing.policy to learned:FOLDER"
        )
    if spec == Heuristic.name:
        return Heuristic()
    if spec == "coldstart":
        from stepwell.router.policy.coldstart import ColdStart

        return ColdStart()
    if spec.startswith(_LEARNED):
        from stepwell.router.learned.policy import Learned

        learned = Learned.load(spec.removeprefix(_LEARNED), tiers=[t.name for t in tiers], embedder=embedder)
        _check_order(spec, learned.bundle.card, tiers)
        _check_promise(spec, learned.bundle.card, min_quality)
        return learned
    found = plug.load(spec, group="stepwell.policies")
    if isinstance(found, type) or not hasattr(found, "estimate"):
        try:
            found = found()  # a third party's factory: it may raise anything
        except Exception as e:
            raise ConfigError(f"routing.policy {spec!r} can't be made: {type(e).__name__}") from e
    if not callable(getattr(found, "estimate", None)):
        raise ConfigError(f"routing.policy {spec!r} has no method `estimate`")
    policy: Policy = found
    return policy


def _check_order(spec: str, card: Card, tiers: Sequence[TierInfo]) -> None:
    """The dearest tier is what the promise is counted against: it must be the one of then."""
    names = tuple(t.name for t in tiers)
    if names and names != tuple(card.tiers):
        raise ConfigError(
            f"{spec!r} was tuned with {', '.join(card.tiers)} from cheap to dear, but by the configured prices the "
            f"order is {', '.join(names)}: tune again, or mend the prices"
        )


def _check_promise(spec: str, card: Card, min_quality: float | None) -> None:
    tuned = card.min_quality if card.price is not None or card.mix else None
    if min_quality is None or (tuned is not None and tuned >= min_quality):
        return
    was = "for no quality" if tuned is None else f"for {tuned:g}"
    raise ConfigError(
        f"promises.min_quality is {min_quality:g}, but {spec!r} was tuned {was}; tune again with --min-quality "
        f"{min_quality:g}"
    )


class PolicyRunner:
    """Asks one policy; always comes back with sound estimates, in time.

    Args:
        timeout_s: A policy that takes longer is replaced by the heuristic for this request.
    """

    def __init__(self, policy: Policy, *, timeout_s: float) -> None:
        self._policy = policy
        self._timeout_s = timeout_s
        self._fallback = Heuristic()
        self._name = plain(str(getattr(policy, "name", type(policy).__name__)))
        self._is_ours = self._name in _OURS and type(policy).__module__.startswith("stepwell.router.")
        self.needs_vector = bool(getattr(policy, "needs_vector", False))
        self._n_threads = 0

    async def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:
        """p_ok for every tier; a reason says so where the heuristic stood in."""
        if self._is_ours:
            ours: Estimates = self._policy.estimate(ask, tiers)  # type: ignore[assignment]
            return ours
        try:
            async with asyncio.timeout(self._timeout_s):
                return self._checked(await self._ask(ask, tiers), tiers)
        except TimeoutError:
            failed = "was too slow"
        except Exception as e:  # noqa: BLE001 - a third party's policy
            failed = f"failed ({type(e).__name__})"
        guess = self._fallback.estimate(ask, tiers)
        return replace(guess, reasons=(f"policy {self._name} {plain(failed)}", *guess.reasons))

    async def _ask(self, ask: Ask, tiers: Sequence[TierInfo]) -> Any:
        estimate = self._policy.estimate
        if inspect.iscoroutinefunction(estimate):
            return await estimate(ask, tiers)
        made = await self._in_thread(lambda: estimate(ask, tiers))
        return await made if inspect.isawaitable(made) else made

    def _in_thread(self, call: Callable[[], object]) -> asyncio.Future[object]:
        """Run `call` in a daemon thread: one that hangs holds up neither the loop nor the process' end."""
        if self._n_threads >= _MAX_THREADS:
            raise TimeoutError("every thread is still at an earlier request")
        self._n_threads += 1
        loop = asyncio.get_running_loop()
        done: asyncio.Future[object] = loop.create_future()
        Thread(target=self._work, args=(call, loop, done), name="stepwell-policy", daemon=True).start()
        return done

    def _work(
        self, call: Callable[[], object], loop: asyncio.AbstractEventLoop, done: asyncio.Future[object]
    ) -> None:
        result: object = None
        error: Exception | None = None
        try:
            result = call()
        except Exception as e:  # noqa: BLE001 - a third party's policy; `estimate` names it
            error = e
        with contextlib.suppress(RuntimeError):  # the loop closed meanwhile
            loop.call_soon_threadsafe(self._finish, done, result, error)

    def _finish(self, done: asyncio.Future[object], result: object, error: Exception | None) -> None:
        self._n_threads -= 1
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)

    def _checked(self, made: object, tiers: Sequence[TierInfo]) -> Estimates:
        if not isinstance(made, Estimates):
            raise TypeError("estimate() must give Estimates")
        p_ok = {t.name: float(made.p_ok[t.name]) for t in tiers}
        if not all(math.isfinite(p) and 0 <= p <= 1 for p in p_ok.values()):
            raise ValueError("p_ok must lie in 0..1")
        reasons = tuple(plain(r) for r in made.reasons[:_MAX_REASONS])
        n_output = None if made.n_output_tokens is None else max(int(made.n_output_tokens), 1)
        if made.price is not None and not (math.isfinite(made.price) and made.price >= 0):
            raise ValueError("price must be 0 or more")
        if made.mix and not set(made.mix) <= set(p_ok):
            raise ValueError("mix names an unknown tier")
        nearest = tuple(plain(n) for n in made.nearest[:_MAX_REASONS])
        return replace(
            made,
            p_ok=p_ok,
            reasons=reasons,
            policy=self._name,
            n_output_tokens=n_output,
            nearest=nearest,
            knows=frozenset(made.knows) & p_ok.keys(),
        )
