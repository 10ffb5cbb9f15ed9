"""Keep what the broker lists today: contracts, tokens, lots and ticks, as the dated state of this day."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from qts.app.broker import find_keys
from qts.app.ingest_document import SourceName
from qts.app.ingesting import source_client
from qts.app.jobs.document import JobError
from qts.app.jobs.kind import JobKind, JobOutcome
from qts.app.jobs.patience import ask_source
from qts.app.jobs.work import Work
from qts.app.requests import Request
from qts.app.workspace import Workspace
from qts.core.clock import IST
from qts.core.errors import BadParameter
from qts.core.instrument import Exchange
from qts.data.instruments.dump import parse_dump
from qts.data.kite.client import KiteClient

_OF_SOURCE: Final = {"kite": ("NSE", "BSE", "NFO", "BFO"), "sandbox": ("SIM",)}
# Where one exchange fails like this, the next would too.
_ENDS_ALL: Final = frozenset({"AccessDenied", "NotConfigured", "SourceDown"})


def _exchanges(value: object) -> object:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        return names
    found = tuple(dict.fromkeys(name.strip().upper() for name in names if name.strip()))
    for name in found:
        if name not in set(Exchange):
            raise BadParameter("exchanges", name, "there is no such exchange", hint=f"Use some of {', '.join(sorted(Exchange))}.")
    return found


class InstrumentsRequest(Request):
    """Whose list, and of which exchanges."""

    source: SourceName = Field(default="kite", description="Whose list: kite, or the simulated exchange of `qts sandbox`.")
    exchanges: Annotated[tuple[str, ...], BeforeValidator(_exchanges)] = Field(
        default=(), description="Exchanges, with commas between; NSE, BSE, NFO and BFO when absent."
    )

    @property
    def wanted(self) -> tuple[str, ...]:
        """Return the exchanges to ask for."""
        return self.exchanges or _OF_SOURCE[self.source]


def _check(workspace: Workspace, request: InstrumentsRequest) -> None:
    if request.source == "kite":
        find_keys(workspace)


def _run(work: Work, request: InstrumentsRequest) -> JobOutcome:
    found: dict[str, Any] = {}
    errors: list[JobError] = []
    with ExitStack() as stack:
        lists = _Lists(work, request, stack)
        for done, exchange in enumerate(request.wanted):
            work.advance(done, len(request.wanted), exchange)
            outcome = work.step(f"list {exchange}", lambda exchange=exchange: lists.keep(exchange))  # type: ignore[misc]
            if isinstance(outcome, JobError):
                errors.append(outcome)
                if outcome.kind in _ENDS_ALL:
                    break
            else:
                found[exchange] = outcome
        work.advance(len(found), len(request.wanted))
    return JobOutcome(result={"exchanges": found}, errors=tuple(errors))


class _Lists:
    """The lists of a source. The client is opened when the first step needs it."""

    def __init__(self, work: Work, request: InstrumentsRequest, stack: ExitStack) -> None:
        self._work = work
        self._request = request
        self._stack = stack
        self._opened: KiteClient | None = None

    def keep(self, exchange: str) -> dict[str, Any] | JobError:
        """Return what the list of an exchange changed, or in words why it could not be had."""
        can_log_in = self._request.source == "sandbox"
        return ask_source(self._work, lambda: self._kept(exchange), about=exchange, can_log_in=can_log_in)

    def _kept(self, exchange: str) -> dict[str, Any]:
        workspace, source = self._work.workspace, self._request.source
        if self._opened is None:
            self._opened = self._stack.enter_context(source_client(workspace, source, hooks=self._work.hooks))
        content = self._opened.instruments(exchange)
        self._work.check()
        today = workspace.clock.now().astimezone(IST).date()
        dump = parse_dump(content, label=f"the list of {exchange}", on=today)
        report = workspace.instruments.load(dump, on=today, source=source, at=workspace.clock.now())
        return {
            "on": today.isoformat(),
            "listed": sum(report.exchanges.values()),
            "rejected": dump.n_rejected,
            "new": report.new,
            "ended": report.ended,
            "notes": list(report.notes),
        }


def _describe(request: InstrumentsRequest) -> str:
    return f"Keep today's list of instruments of {', '.join(request.wanted)} from {request.source}"


KIND: Final = JobKind(title="Keep the list of instruments", request=InstrumentsRequest, describe=_describe, check=_check, run=_run)
