from __future__ import annotations

import numpy as np
import pyarrow as pa

from qts.core import Exchange
from qts.data.intake import MAX_TOLD, OUTCOMES, Names, Skip, Verdict, join, parse_batch
from qts.data.layout import Field, Layout
from qts.data.stamps import NO_STAMP
from qts.data.tables import Batch, Misfit

COLUMNS = {name: name.value for name in (Field.DATE, Field.OPEN, Field.HIGH, Field.LOW, Field.CLOSE)}


def batch(n: int, *, first: int = 2, misfits: tuple[Misfit, ...] = (), **columns: list[str]) -> Batch:
    given = {"date": ["2024-01-02"] * n, "open": ["1"] * n, "high": ["1"] * n, "low": ["1"] * n, "close": ["1"] * n, **columns}
    return Batch(rows=np.arange(first, first + n), columns={name: pa.array(texts) for name, texts in given.items()}, misfits=misfits)


def outcome(state: int) -> str:
    return str(OUTCOMES[state])


def test_names_number_instruments_once_however_they_are_written() -> None:
    names = Names(exchange=Exchange.NSE)
    assert [names.code(text) for text in ("infy", " INFY ", "NSE:INFY", "BSE:INFY", "", None, "M&M")] == [0, 0, 0, 1, -1, -1, 2]
    assert names.instruments == ["NSE:INFY", "BSE:INFY", "NSE:M&M"]
    assert names.exchanges == [Exchange.NSE, Exchange.BSE, Exchange.NSE]


def test_a_batch_becomes_columns_with_a_verdict_per_row() -> None:
    block = parse_batch(
        batch(3, open=["1", "x", ""], misfits=(Misfit(row=9, detail="2 fields"),)),
        Layout(columns=COLUMNS, symbol="INFY"),
        Names(exchange=Exchange.NSE),
    )
    assert [outcome(state) for state in block.states.tolist()] == ["accepted", Verdict.BAD_NUMBER, Verdict.NO_VALUE, Verdict.MISFIT]
    assert block.details == {3: "open is 'x'", 9: "2 fields"}
    assert block.rows.tolist() == [2, 3, 4, 9]
    assert block.ts[3] == NO_STAMP


def test_the_first_outcome_of_a_row_stays() -> None:
    block = parse_batch(batch(2), Layout(columns=COLUMNS, symbol="INFY"), Names(exchange=Exchange.NSE))
    block.mark(np.array([True, False]), Verdict.HIGH)
    block.mark(np.array([True, True]), Skip.NO_TRADE)
    block.mark_rows(np.array([0, 1]), Verdict.LOW)
    assert [outcome(state) for state in block.states.tolist()] == [Verdict.HIGH, Skip.NO_TRADE]
    assert not block.is_good.any()


def test_long_texts_are_shortened_and_only_so_many_are_kept() -> None:
    block = parse_batch(
        batch(MAX_TOLD + 5, open=["y" * 200] * (MAX_TOLD + 5)), Layout(columns=COLUMNS, symbol="A1"), Names(exchange=Exchange.NSE)
    )
    assert len(block.details) == MAX_TOLD
    assert len(block.details[2]) < 80


def test_joined_blocks_follow_each_other() -> None:
    names, layout = Names(exchange=Exchange.NSE), Layout(columns=COLUMNS, symbol="INFY")
    parts = [parse_batch(batch(2, first=first, open=["1", "x"]), layout, names) for first in (2, 4)]
    block = join(parts)
    assert block.rows.tolist() == [2, 3, 4, 5]
    assert sorted(block.details) == [3, 5]
    assert len(block) == block.values.shape[1] == 4
