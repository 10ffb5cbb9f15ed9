"""Does the broker bill what our schedule of charges says? A contract note, tradebook or API reply, recomputed and compared line by line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from qts.app.notes import MAX_BYTES, read_statement
from qts.app.requests import Request
from qts.core.clock import IST, Clock
from qts.core.errors import BadFile, BadParameter, BadPath
from qts.market.charges import RoundingMode
from qts.market.reconciliation import OutOfDate, ReconciledBill, Reconciliation, RegimeFit, reconcile

_TOO_FEW: Final = 2


class ReconcileOptions(Request):
    """How to compare a broker's bills with the schedule."""

    mode: str | None = Field(default=None, description="Rounding: exact, contract_note, calculator or api; the file's own when absent.")
    on: date | None = Field(default=None, description="Trade date of what carries none; today when absent.")


class ReconcileRequest(ReconcileOptions):
    """A file of a broker's bills to compare with the schedule."""

    file: Path = Field(description="Tradebook or contract note as CSV, or a reply of the broker's API as JSON.")


class ReconcileTextRequest(ReconcileOptions):
    """The text of a file of a broker's bills to compare with the schedule."""

    text: str = Field(description="The file's text: a tradebook or contract note as CSV, or a reply of the broker's API as JSON.")
    name: str = Field(default="text", max_length=255, description="The file's name, for messages.")


class LineDocument(BaseModel):
    """One line of a bill in rupees; ``theirs`` and ``difference`` are absent where the bill does not state it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    line: str
    theirs: float | None
    ours: float
    difference: float | None
    verdict: str
    remark: str = ""


class BillDocument(BaseModel):
    """One bill: its trades' date and segment, the one instrument it is for if so, its lines, and ``verdict`` of them all."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    date: str
    exchange: str | None
    segment: str | None
    instrument: str | None
    orders: int
    rows: tuple[int, ...]
    verdict: str
    lines: tuple[LineDocument, ...]
    remarks: tuple[str, ...]


class OutOfDateDocument(BaseModel):
    """A rate of ours that bills contradict in one way; rates are texts, for they have many decimals."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    line: str
    exchange: str
    segments: tuple[str, ...]
    unit: str
    our_rate: str
    valid_from: str
    source: str
    estimate: str
    implied_rate: str
    since: str
    until: str
    bills: int
    sentence: str


class UnpricedDocument(BaseModel):
    """A row no charge could be computed for: its line in the file, or its place in a reply's list."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    row: int
    reason: str


class FitDocument(BaseModel):
    """The dates whose rates fit a file without dates better than those it was priced at."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    start: str
    end: str | None
    differing_lines: int
    differing_lines_now: int
    sentence: str


class ReconciliationDocument(BaseModel):
    """A file's bills beside ours. ``agreeing``, ``differing`` and ``not_compared`` count bills; ``warnings`` name estimates in use."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    file: str
    format: str
    mode: str
    bills: tuple[BillDocument, ...]
    out_of_date: tuple[OutOfDateDocument, ...]
    unpriced: tuple[UnpricedDocument, ...]
    agreeing: int
    differing: int
    not_compared: int
    fit: FitDocument | None
    warnings: tuple[str, ...]


def reconcile_file(request: ReconcileRequest, clock: Clock) -> ReconciliationDocument:
    """Return what a broker's file states beside what our schedule gives.

    Raises
    ------
    BadPath
        If the file cannot be read.
    BadFile
        If it is no file of trades or charges.
    BadParameter
        If the mode or the date is none.
    """
    return _reconcile(request, str(request.file), _content(request.file), clock)


def reconcile_text(request: ReconcileTextRequest, clock: Clock) -> ReconciliationDocument:
    """Return what the text of a broker's file states beside what our schedule gives.

    Raises
    ------
    BadParameter
        If it is no text of trades or charges, or the mode or the date is none.
    """
    try:
        return _reconcile(request, request.name, request.text.encode("utf-8", errors="replace"), clock)
    except BadFile as error:
        raise BadParameter("text", request.name, error.reason, hint=error.hint) from error


def reconcile_reply(options: ReconcileOptions, name: str, text: str, clock: Clock) -> ReconciliationDocument:
    """Return what a reply of the broker states beside what our schedule gives; ``name`` stands for the file.

    Raises
    ------
    BadFile
        If it is no reply with charges.
    BadParameter
        If the mode or the date is none.
    """
    return _reconcile(options, name, text.encode("utf-8", errors="replace"), clock)


def _reconcile(request: ReconcileOptions, name: str, content: bytes, clock: Clock) -> ReconciliationDocument:
    today = clock.now().astimezone(IST).date()
    if request.on is not None and request.on > today:
        raise BadParameter("on", request.on, "lies in the future", hint="Give the date the orders were traded.")
    mode = None if request.mode is None else _mode(request.mode)
    statement = read_statement(name, content, today=today, on=request.on)
    found = reconcile(statement, on=request.on or today, mode=mode)
    return _document(name, statement.format, found)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadPath(str(path), (error.strerror or "cannot be read").lower()) from error


def _mode(text: str) -> RoundingMode:
    try:
        return RoundingMode(text.strip().lower().replace("-", "_"))
    except ValueError as error:
        raise BadParameter("mode", text, "there is no such mode", hint=f"Use one of {', '.join(RoundingMode)}.") from error


def _document(name: str, layout: str, found: Reconciliation) -> ReconciliationDocument:
    differing = sum(bill.differs for bill in found.bills)
    compared = sum(bill.is_compared for bill in found.bills)
    return ReconciliationDocument(
        file=name,
        format=layout,
        mode=found.mode,
        bills=tuple(_bill(bill) for bill in found.bills),
        out_of_date=tuple(_out_of_date(one) for one in found.out_of_date),
        unpriced=tuple(UnpricedDocument(row=one.row, reason=one.reason) for one in found.unpriced),
        agreeing=compared - differing,
        differing=differing,
        not_compared=len(found.bills) - compared,
        fit=None if found.fit is None else _fit(found.fit),
        warnings=found.warnings,
    )


def _bill(bill: ReconciledBill) -> BillDocument:
    lines = tuple(
        LineDocument(
            line=one.line,
            theirs=_float(one.theirs),
            ours=float(one.ours),
            difference=_float(one.difference),
            verdict=one.verdict,
            remark=one.remark,
        )
        for one in bill.lines
    )
    return BillDocument(
        date=bill.on.isoformat(),
        exchange=bill.exchange,
        segment=bill.family,
        instrument=bill.instrument or None,
        orders=bill.n_orders,
        rows=bill.rows,
        verdict="differs" if bill.differs else "agrees" if bill.is_compared else "not compared",
        lines=lines,
        remarks=bill.remarks,
    )


def _out_of_date(one: OutOfDate) -> OutOfDateDocument:
    unit = "%" if one.unit == "percent" else "rupees per order"
    span = f"since {one.since}" if one.since != one.until else f"on {one.since}"
    doubt = f" Our rate is an estimate: {one.estimate}." if one.estimate else ""
    few = " One bill alone: check a second one before you believe it." if one.n_bills < _TOO_FEW else ""
    bills = "1 bill" if one.n_bills == 1 else f"{one.n_bills} bills"
    field = "amount or cap" if one.unit != "percent" else "percent"
    fund = f" (both with {one.fund_rate.normalize():f} % for the investor protection fund)" if one.fund_rate else ""
    row_rate = one.implied_rate - one.fund_rate
    sentence = (
        f"{one.line} at {one.exchange} ({', '.join(one.segments)}): our {one.our_rate:f} {unit}, valid from {one.valid_from} "
        f"({one.source}); {bills} {span} imply {one.implied_rate:f} {unit}{fund}.{doubt} One row added to the schedule corrects it: "
        f'component "{one.line}", valid_from {one.since} or the day of the change before it, {field} "{row_rate:f}".{few}'
    )
    return OutOfDateDocument(
        line=one.line,
        exchange=one.exchange,
        segments=tuple(one.segments),
        unit=one.unit,
        our_rate=f"{one.our_rate:f}",
        valid_from=one.valid_from.isoformat(),
        source=one.source,
        estimate=one.estimate,
        implied_rate=f"{one.implied_rate:f}",
        since=one.since.isoformat(),
        until=one.until.isoformat(),
        bills=one.n_bills,
        sentence=sentence,
    )


def _fit(fit: RegimeFit) -> FitDocument:
    span = f"{fit.start}..{fit.end or 'today'}"
    lines = "all lines match" if fit.n_differing == 0 else f"{fit.n_differing} instead of {fit.n_differing_now} lines differ"
    return FitDocument(
        start=fit.start.isoformat(),
        end=None if fit.end is None else fit.end.isoformat(),
        differing_lines=fit.n_differing,
        differing_lines_now=fit.n_differing_now,
        sentence=f"The file carries no dates: {lines} at the rates in force {span}. Try --on {fit.start}.",
    )


def _float(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
