"""How good the stored series are: a score from 0 to 100 with its working shown, and every issue that it rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qts.app.bars import instants
from qts.app.derived import known_until
from qts.app.requests import InstrumentTexts, IntervalName, Prices, Request
from qts.app.series_days import SeriesDays, series_days
from qts.app.workspace import Workspace
from qts.core.bars import Bars
from qts.core.clock import IST, instant_of, session_date_of
from qts.core.errors import EmptySpan, UnknownInstrument
from qts.core.instrument import InstrumentId
from qts.core.interval import Interval
from qts.data.actions import ActionRecord, ActionState
from qts.data.coverage import Coverage, DayState
from qts.data.quality import (
    FORMULA,
    Deduction,
    Finding,
    Issue,
    JudgedSeries,
    Quality,
    Refusal,
    interval_disagreements,
    price_findings,
    refusal_findings,
    score,
    session_findings,
    source_disagreements,
)
from qts.data.storage import PriceBasis, SeriesInfo, SeriesKey
from qts.data.storage.lookup import near_matches, sort_key
from qts.market.sessions import calendar_version

_EPOCH: Final = date(1970, 1, 1)


class QualityRequest(Request):
    """Which series to judge, and over which dates."""

    instruments: InstrumentTexts | None = Field(default=None, description="Instruments, as EXCHANGE:SYMBOL; all when absent.")
    interval: IntervalName | None = Field(default=None, description="Only series of bars of this length.")
    prices: Prices = Field(default="auto", description="Price basis: both when auto, or the one named.")
    start: date | None = Field(default=None, alias="from", description="First date; the whole series when absent.")
    end: date | None = Field(default=None, alias="to", description="Last date, included.")
    as_of: str | None = Field(default=None, description="Snapshot of the store to read; the present one when absent.")


class DeductionDocument(BaseModel):
    """What one kind of issue takes off: ``points = min(cap, weight * 100 * count / of)``."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    kind: str
    count: int
    of: int
    weight: float
    cap: float
    points: float


class IssueDocument(BaseModel):
    """One thing found. ``at`` is an instant in IST, None for a span of days, which ``text`` names."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    kind: str
    at: str | None
    value: float | None
    bars: int
    text: str


class SeriesQualityDocument(BaseModel):
    """The quality of one series over a span: ``score`` is 100 less the points of all deductions, None where no calendar is on record.

    ``issues`` lists at most 200 of each kind; the deductions count all.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    instrument: str
    interval: str
    prices: str
    start: str = Field(serialization_alias="from", validation_alias="from")
    end: str = Field(serialization_alias="to", validation_alias="to")
    bars: int
    score: float | None
    formula: str
    deductions: tuple[DeductionDocument, ...]
    issues: tuple[IssueDocument, ...]


class QualityDocument(BaseModel):
    """Every series asked for; ``note`` says what a score of a past state rests on, and is empty for the present."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    series: tuple[SeriesQualityDocument, ...]
    snapshot: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a score rests on besides the bars themselves, of all series; as known before ``known_at``, None for all that is known now."""

    days: SeriesDays
    contents: Mapping[SeriesKey, str]
    refusals: Mapping[SeriesKey, tuple[Refusal, ...]]
    actions: Mapping[InstrumentId, tuple[ActionRecord, ...]]
    known_at: datetime | None = None

    def counterpart(self, key: SeriesKey) -> SeriesKey | None:
        """Return the series that should say the same: of minutes the days, of adjusted days the raw ones."""
        if key.interval.is_intraday:
            other = SeriesKey(instrument=key.instrument, interval=Interval.DAY, basis=key.basis)
        elif key.interval is Interval.DAY and key.basis is PriceBasis.ADJUSTED:
            other = SeriesKey(instrument=key.instrument, interval=Interval.DAY, basis=PriceBasis.RAW)
        else:
            return None
        return other if other in self.days.infos else None

    def fingerprint(self, key: SeriesKey) -> str:
        """Return a hash of everything that the score of a whole series depends on."""
        other = self.counterpart(key)
        said = [(record.action.id, record.state.value, str(record.action)) for record in self.actions.get(key.instrument, ())]
        parts = (
            FORMULA,
            calendar_version(),
            self.contents.get(key, ""),
            "" if other is None else self.contents.get(other, ""),
            [(one.source, one.reason, sorted(one.days.items())) for one in self.refusals.get(key, ())],
            sorted(self.days.known_empty.get(key, ())),
            sorted(self.days.no_trade.get(key, ())),
            said,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def evidence(workspace: Workspace, *, as_of: str | None = None) -> Evidence:
    """Return what all scores rest on, in a handful of queries.

    Of a past state it is what was known until that was replaced. Refused rows and empty days are kept as their source said them last: what
    it said before, and has said again since, is not known any more and counts for nothing.
    """
    known_at = known_until(workspace, workspace.snapshot_id(as_of))
    actions: dict[InstrumentId, list[ActionRecord]] = {}
    for record in workspace.actions.read(states=(ActionState.CONFIRMED, ActionState.REJECTED), known_at=known_at):
        actions.setdefault(record.action.instrument, []).append(record)
    days = series_days(workspace, as_of=as_of, known_at=known_at)
    contents = {key: info.content for key, info in days.infos.items() if info.content}
    return Evidence(
        days=days,
        contents=contents if len(contents) == len(days.infos) else workspace.store.content_ids(as_of=as_of),
        refusals=workspace.refusals.all(known_at=known_at),
        actions={instrument: tuple(records) for instrument, records in actions.items()},
        known_at=known_at,
    )


def quality(workspace: Workspace, request: QualityRequest) -> QualityDocument:
    """Return the quality of series, with every deduction and issue. Whole series are judged once and remembered until they change.

    Raises
    ------
    UnknownInstrument
        If nothing is stored under an instrument.
    EmptySpan
        If none has bars of the interval and price basis, or bars in the span.
    """
    known = evidence(workspace, as_of=request.as_of)
    chosen = _chosen(known, request)
    is_whole = request.start is None and request.end is None
    found = _all_whole(workspace, known, chosen, request) if is_whole else _all_judged(workspace, known, chosen, request)
    snapshot = workspace.snapshot_id(request.as_of) or workspace.store.snapshot()
    return QualityDocument(series=tuple(found), snapshot=snapshot, note=_note(known))


def _note(known: Evidence) -> str:
    if known.known_at is None:
        return ""
    until = f"{known.known_at.astimezone(IST):%Y-%m-%d %H:%M:%S}"
    return (
        f"Judged by what was known until {until}: later corporate actions, refused rows and empty days take no part. Refused rows and "
        "empty days that their source told again since are not known as of then, and take none either."
    )


def _chosen(known: Evidence, request: QualityRequest) -> list[SeriesInfo]:
    infos = sorted(known.days.infos.values(), key=sort_key)
    if request.instruments is not None:
        names = {info.key.instrument for info in infos}
        for name in request.instruments:
            if name not in names:
                raise UnknownInstrument(name, near=near_matches(InstrumentId(name), sorted(names)))
        infos = [info for info in infos if info.key.instrument in set(request.instruments)]
    wanted = [info for info in infos if request.interval in {None, info.key.interval} and request.prices in {"auto", info.key.basis.value}]
    if not wanted and request.instruments is not None:
        raise EmptySpan(", ".join(request.instruments), str(request.interval or "such"), start=None, end=None, stored=None)
    return wanted


def _all_whole(
    workspace: Workspace, known: Evidence, infos: Sequence[SeriesInfo], request: QualityRequest
) -> Iterator[SeriesQualityDocument]:
    fresh: list[JudgedSeries] = []
    try:
        for info in infos:
            fingerprint = known.fingerprint(info.key)
            kept = _kept(workspace, info.key, fingerprint)
            if kept is not None:
                yield kept
                continue
            found = _judged(workspace, known, info, request)
            text = found.model_dump_json(by_alias=True)
            fresh.append(JudgedSeries(key=info.key, fingerprint=fingerprint, score=found.score, document=text))
            yield found
    finally:
        # What was judged is kept, also when somebody stops it half-way; only the present is remembered.
        if request.as_of is None:
            workspace.scores.put(fresh, scored_at=workspace.clock.now())


def _kept(workspace: Workspace, key: SeriesKey, fingerprint: str) -> SeriesQualityDocument | None:
    text = workspace.scores.document(key, fingerprint=fingerprint)
    if text is None:
        return None
    try:
        return SeriesQualityDocument.model_validate_json(text)
    except ValidationError:  # damaged before its row had a hash: judged again
        return None


def _all_judged(
    workspace: Workspace, known: Evidence, infos: Sequence[SeriesInfo], request: QualityRequest
) -> Iterator[SeriesQualityDocument]:
    for info in infos:
        try:
            yield _judged(workspace, known, info, request)
        except EmptySpan:
            if request.instruments is not None:
                raise


def _judged(workspace: Workspace, known: Evidence, info: SeriesInfo, request: QualityRequest) -> SeriesQualityDocument:
    key = info.key
    start, end = instants(request.start, request.end)
    bars = workspace.store.read(key, start=start, end=end, as_of=request.as_of)
    span = _day(request.start, bars, 0), _day(request.end, bars, -1)
    covered = known.days.coverage(key, span=span)
    whole = None if request.start is None and request.end is None else span
    findings = [
        *_of_the_bars(bars, key.basis, known.actions.get(key.instrument, ())),
        *refusal_findings(known.refusals.get(key, ()), len(bars), span=whole),
        *_disagreements(workspace, bars, covered, known.counterpart(key), request),
    ]
    return _document(info, bars, score(findings, covered), span)


def _day(on: date | None, bars: Bars, place: int) -> int:
    return ((on or session_date_of(int(bars.ts[place]))) - _EPOCH).days


def _of_the_bars(bars: Bars, basis: PriceBasis, records: Sequence[ActionRecord]) -> Sequence[Finding]:
    actions = [record.action for record in records if record.state is ActionState.CONFIRMED and record.action.changes_shares]
    real_on = [record.action.ex_date for record in records if record.state is ActionState.REJECTED]
    return (*price_findings(bars, basis=basis, actions=actions, real_on=real_on), session_findings(bars))


def _disagreements(  # noqa: PLR0917 - both series of a comparison, and the span
    workspace: Workspace, bars: Bars, covered: Coverage | None, other: SeriesKey | None, request: QualityRequest
) -> Sequence[Finding]:
    if other is None:
        return ()
    start, end = instants(request.start, request.end)
    try:
        theirs = workspace.store.read(other, start=start, end=end, as_of=request.as_of)
    except EmptySpan:
        return ()
    if not bars.interval.is_intraday:
        return (source_disagreements(bars, theirs),)
    if covered is None:
        return ()
    return (interval_disagreements(bars, theirs, whole_days=covered.days_of(DayState.COMPLETE)),)


def _document(info: SeriesInfo, bars: Bars, found: Quality, span: tuple[int, int]) -> SeriesQualityDocument:
    return SeriesQualityDocument.model_validate(
        {
            "instrument": info.key.instrument,
            "interval": info.key.interval.value,
            "prices": info.key.basis.value,
            "from": (_EPOCH + timedelta(days=span[0])).isoformat(),
            "to": (_EPOCH + timedelta(days=span[1])).isoformat(),
            "bars": len(bars),
            "score": found.score,
            "formula": FORMULA,
            "deductions": tuple(_deduction(one) for one in found.deductions),
            "issues": tuple(_issue(one) for one in found.issues),
        }
    )


def _deduction(one: Deduction) -> DeductionDocument:
    return DeductionDocument(kind=one.kind.value, count=one.count, of=one.of, weight=one.weight, cap=one.cap, points=one.points)


def _issue(one: Issue) -> IssueDocument:
    at = None if one.ts is None else instant_of(one.ts).isoformat()
    return IssueDocument(kind=one.kind.value, at=at, value=one.value, bars=one.n_bars, text=one.text)
