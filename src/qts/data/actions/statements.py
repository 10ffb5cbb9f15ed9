"""Which corporate actions does a file state? A table of our own columns, or an exchange's list; CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from qts.core.corporate_action import ActionKind
from qts.core.errors import BadFile, BadParameter, BadPath, InputError
from qts.core.instrument import InstrumentId, parse_instrument
from qts.data.actions.purpose import Announced, parse_purpose
from qts.data.actions.ratios import decimal_of, nearest_ratio, parse_decimal, parse_ratio
from qts.data.actions.records import ActionRecord, ActionState, StatedAction

MAX_BYTES: Final = 64 << 20
_ONE: Final = Decimal(1)
# Our name of a column, by the letters and digits of the spellings met.
_COLUMNS: Final = {
    "instrument": "instrument",
    "symbol": "symbol",
    "exchange": "exchange",
    "series": "series",
    "exdate": "ex_date",
    "kind": "kind",
    "ratio": "ratio",
    "cash": "cash",
    "dividend": "cash",
    "price": "price",
    "factor": "factor",
    "pricefactor": "factor",
    "facevalue": "face_value",
    "faceval": "face_value",
    "purpose": "purpose",
    "subject": "purpose",
    "action": "purpose",
    "source": "source",
}
_SHARES: Final = frozenset({"", "EQ", "BE", "BZ", "SM", "ST", "SZ", "IV", "RR"})
_MONTHS: Final = {name: number for number, name in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), 1)}  # noqa: SIM905 - one line
_DATE: Final = re.compile(r"^(\d{1,2})[-/ .]([A-Z]{3,9}|\d{1,2})[-/ .](\d{4})$")
# How far a stated factor may be off one over a common ratio and still be meant as it: 0.6667 for two thirds.
_ROUNDED: Final = 2e-4
_LAYOUT_HINT: Final = "Name the columns instrument, ex_date, kind, ratio, cash, price, factor; or SYMBOL, EX-DATE, PURPOSE."


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A row that was not taken: its number as a text editor counts lines (in JSON, the entry), and why."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What a file states. ``n_other`` counts its rows about other things: meetings, bonds, interest."""

    actions: tuple[StatedAction, ...]
    sources: Mapping[str, str]
    refused: tuple[Refusal, ...]
    n_rows: int
    n_other: int

    def records(self, default_source: str) -> tuple[ActionRecord, ...]:
        """Return the actions as confirmed records, by the source that their row names or else by this one."""
        return tuple(
            ActionRecord(action=action, state=ActionState.CONFIRMED, source=self.sources.get(action.id) or default_source)
            for action in self.actions
        )


def read_statements(path: Path, *, exchange: str = "NSE") -> Statements:
    """Return what a file states.

    Raises
    ------
    BadPath
        If the file cannot be read.
    BadFile
        If it is neither CSV nor JSON, or lacks the columns.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadPath(str(path), (error.strerror or "cannot be read").lower()) from error
    if len(content) > MAX_BYTES:
        raise BadFile(str(path), f"is larger than {MAX_BYTES >> 20} MB, so it is no list of corporate actions", hint=_LAYOUT_HINT)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(str(path), "is not text in UTF-8", hint="Save it as CSV (UTF-8) or JSON.") from error
    rows = _json_rows(text, path) if text.lstrip()[:1] in {"[", "{"} else _csv_rows(text, path)
    return parse_rows(rows, exchange=exchange)


def parse_rows(rows: Sequence[tuple[int, Mapping[str, str]]], *, exchange: str = "NSE") -> Statements:
    """Return what numbered rows state, by our names of the columns.

    Two dividends of one instrument on one day are added up, as an interim and a special one are; the same row again is the same
    statement; two other actions of one kind on one day contradict each other, and the later row is refused.
    """
    found: dict[str, StatedAction] = {}
    sources: dict[str, str] = {}
    refused: list[Refusal] = []
    seen: set[tuple[str, ...]] = set()
    n_other = 0
    for number, row in rows:
        try:
            stated = tuple(_actions(row, exchange=exchange))
            n_other += not stated
            if (key := _key(row)) not in seen:
                _add_all(found, stated)
            seen.add(key)
        except InputError as error:
            refused.append(Refusal(row=number, reason=error.message))
            continue
        sources |= {action.id: row["source"] for action in stated if row.get("source")}
    return Statements(actions=tuple(found.values()), sources=sources, refused=tuple(refused), n_rows=len(rows), n_other=n_other)


def parse_day(text: str) -> date:
    """Return a date as ISO writes it or as the exchanges do, the day first.

    Raises
    ------
    BadParameter
        If it is none.

    >>> parse_day("07-SEP-2017"), parse_day("07/09/2017")
    (datetime.date(2017, 9, 7), datetime.date(2017, 9, 7))
    """
    clean = text.strip().upper()
    try:
        match = _DATE.match(clean)
        if match is None:
            return date.fromisoformat(clean[:10] if "T" in clean else clean)
        month = _MONTHS[match[2][:3]] if match[2].isalpha() else int(match[2])
        return date(int(match[3]), month, int(match[1]))
    except (ValueError, KeyError) as error:
        raise BadParameter("ex_date", text, "is not a date", hint="Write it like 2017-09-07 or 07-SEP-2017.") from error


def _key(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in sorted(row.items()))


def _add_all(found: dict[str, StatedAction], stated: Sequence[StatedAction]) -> None:
    """Add the actions of one row, all or none."""
    fresh = {action.id: _merged(found.get(action.id), action) for action in stated}
    found.update(fresh)


def _merged(before: StatedAction | None, action: StatedAction) -> StatedAction:
    if before is None or (before == action and action.kind is not ActionKind.DIVIDEND):
        return action
    if action.kind is ActionKind.DIVIDEND:
        return replace(action, cash=before.cash + action.cash)
    raise BadParameter("id", action.id, "an earlier row states it on other terms", hint="Keep the row that is right.")


def _actions(row: Mapping[str, str], *, exchange: str) -> Iterator[StatedAction]:
    if row.get("series", "").upper() not in _SHARES:
        return
    instrument = _instrument(row, exchange)
    stated = (_announced(row),) if row.get("kind") else parse_purpose(row.get("purpose", ""), face_value=_number(row, "face_value"))
    for one in stated:
        on = parse_day(row.get("ex_date", ""))
        ratio, factor = _terms(one.kind, one.ratio, _number(row, "factor") if len(stated) == 1 else None)
        yield StatedAction(instrument=instrument, ex_date=on, kind=one.kind, ratio=ratio, cash=one.cash, price=one.price, factor=factor)


def _announced(row: Mapping[str, str]) -> Announced:
    try:
        kind = ActionKind(row["kind"].lower())
    except ValueError as error:
        raise BadParameter("kind", row["kind"], "there is no such kind of action", hint=f"Use one of {', '.join(ActionKind)}.") from error
    text = row.get("ratio", "")
    ratio = parse_ratio(text, kind) if text and kind not in {ActionKind.DIVIDEND, ActionKind.DEMERGER} else _ONE
    return Announced(kind=kind, ratio=ratio, cash=_number(row, "cash") or Decimal(0), price=_number(row, "price"))


def _terms(kind: ActionKind, ratio: Decimal, factor: Decimal | None) -> tuple[Decimal, Decimal | None]:
    """Return the ratio, taken from the price factor where that alone is stated, and the factor where it is needed."""
    if factor is None or kind is ActionKind.DIVIDEND:
        return ratio, None
    if kind not in {ActionKind.SPLIT, ActionKind.BONUS} or factor <= 0:
        return ratio, factor
    if ratio != _ONE:
        # Checked against the ratio, which is the exact one of the two.
        return ratio, factor if abs(factor * ratio - 1) > Decimal("0.001") else None
    common, off = nearest_ratio(float(factor))
    return (decimal_of(common) if off < _ROUNDED else _ONE / factor), None


def _instrument(row: Mapping[str, str], exchange: str) -> InstrumentId:
    name = row.get("instrument") or row.get("symbol") or ""
    if not name:
        raise BadParameter("instrument", name, "is empty", hint="Write it like NSE:INFY, or INFY in the column symbol.")
    return parse_instrument(name if ":" in name else f"{row.get('exchange') or exchange}:{name}")


def _number(row: Mapping[str, str], name: str) -> Decimal | None:
    text = row.get(name, "")
    return parse_decimal(text, name) if text and text != "-" else None


def _csv_rows(text: str, path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        lines = csv.reader(io.StringIO(text), strict=True)
        header = [_column(cell) for cell in next(lines, [])]
        _require_columns(header, path)
        # A row of blanks is no row; quoted cells may hold line ends, so the reader counts.
        return [(lines.line_num, _named(header, cells)) for cells in lines if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise BadFile(str(path), f"is no sound CSV ({error})", hint=_LAYOUT_HINT) from error


def _json_rows(text: str, path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadFile(str(path), f"is no sound JSON ({error})", hint=_LAYOUT_HINT) from error
    entries = document if isinstance(document, list) else document.get("actions", document.get("data"))
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadFile(str(path), "holds no list of actions", hint=_LAYOUT_HINT)
    rows = [{_column(name): _text(value) for name, value in entry.items()} for entry in entries]
    _require_columns(sorted({name for row in rows for name in row}), path)
    return list(enumerate(rows, 1))


def _require_columns(header: Sequence[str], path: Path) -> None:
    names = set(header)
    missing = [
        wanted
        for wanted, there in (
            ("instrument (or symbol)", names & {"instrument", "symbol"}),
            ("ex_date", names & {"ex_date"}),
            ("kind (or purpose)", names & {"kind", "purpose"}),
        )
        if not there
    ]
    if missing:
        raise BadFile(str(path), f"lacks the column {', '.join(missing)}", hint=_LAYOUT_HINT)


def _column(name: str) -> str:
    return _COLUMNS.get(re.sub(r"[^a-z]", "", name.lower()), "")


def _named(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    return {name: cell.strip() for name, cell in zip(header, cells, strict=False) if name}


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
