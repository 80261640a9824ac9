"""What an audit file says in sum, and whether every bound request kept to its tiers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from stepwell.guards.audit_line import Audited

_decode = msgspec.json.Decoder(Audited).decode


@dataclass(frozen=True, slots=True)
class Astray:
    """A request that reached tiers that it must not."""

    request_id: str
    ts_s: float
    keep_to: tuple[str, ...]
    reached: tuple[str, ...]


@dataclass(slots=True)
class AuditReport:
    """Sums over an audit.

    Attributes:
        n_lines: Lines of an audit, those of other kinds too.
        n_unreadable: Lines that are none of an audit's: the last one may be cut where a process was killed.
        n_bound: Requests that only some tiers might see.
        actions: Requests by stage and the most severe action taken.
        findings: (check, kind, action) -> how many; a verdict shows the first 64 of a request.
        tenants: Requests by hash of the tenant.
        failed: Requests by check that failed, or was too slow.
    """

    n_requests: int = 0
    n_lines: int = 0
    n_unreadable: int = 0
    n_bound: int = 0
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    tenants: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    astray: list[Astray] = field(default_factory=list)

    @property
    def is_proof(self) -> bool:
        """Whether every line was read, there is one, and no request reached a tier that it must not."""
        return self.n_lines > 0 and not self.n_unreadable and not self.astray

    def add(self, line: Audited) -> None:
        self.n_requests += 1
        self.tenants[line.tenant] += 1
        for verdict in line.verdicts:
            self.actions[verdict.stage, verdict.action] += 1
            for found in verdict.findings:
                self.findings[found.check, found.kind, found.action] += 1
            self.failed.update(verdict.errors)
        if line.keep_to is not None:
            self.n_bound += 1
        if line.astray:
            assert line.keep_to is not None
            self.astray.append(Astray(line.request_id, line.ts_s, line.keep_to, line.astray))


def report_of(lines: Iterable[bytes], *, kind: str | None = None) -> AuditReport:
    """Sum up an audit's lines.

    Args:
        kind: Only requests where this was found.
    """
    report = AuditReport()
    for raw in lines:
        if not raw.strip():
            continue
        try:
            line = _decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            report.n_unreadable += 1
            continue
        report.n_lines += 1
        if kind is None or any(kind in verdict.kinds for verdict in line.verdicts):
            report.add(line)
    return report
