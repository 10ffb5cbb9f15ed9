"""The row of key figures of a run, and what keeps them honest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from qts.app import format as written
from qts.app.run_document import HonestyPart, RunDocument
from qts.ui.errors import escaped

_MIN_WIDTH: Final = 160
_LOOKAHEAD: Final = {
    "clean": ":green-badge[:material/check: no look-ahead found]",
    "found": ":red-badge[:material/error: LOOKS AHEAD: the result is worthless]",
    "not_checked": ":orange-badge[:material/help: look-ahead not checked]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One key figure as it is shown."""

    title: str
    value: str
    note: str
    help: str


def figures(document: RunDocument) -> tuple[Figure, ...]:
    """Return the key figures of a run."""
    of = document.metrics.get
    benchmark = document.benchmark.total_return
    return (
        Figure(
            title="Net P&L",
            value=written.inr_short(of("net_pnl")),
            note=f"{written.pct(of('total_return'))} of capital",
            help="After all costs.",
        ),
        Figure(title="CAGR", value=written.pct(of("cagr")), note=f"holding: {written.pct(benchmark)} in all", help="Growth per year."),
        Figure(
            title="Max drawdown", value=written.pct(of("max_drawdown")), note=f"Calmar {written.number(of('calmar'))}", help="Deepest fall."
        ),
        Figure(
            title="Sharpe", value=written.number(of("sharpe")), note=f"Sortino {written.number(of('sortino'))}", help="Annualised, net."
        ),
        Figure(
            title="Win rate", value=written.pct(of("win_rate"), places=1), note=f"{_count(of('n_trades'))} trades", help="Of closed trades."
        ),
        Figure(
            title="Profit factor",
            value=written.number(of("profit_factor")),
            note=f"{written.inr(of('expectancy'), places=0)} a trade",
            help="Won rupees for each lost one.",
        ),
        Figure(
            title="Total costs",
            value=written.inr_short(of("costs_total")),
            note=_drag(document.honesty),
            help="Brokerage and statutory charges; slippage is in the prices.",
        ),
        Figure(
            title="In the market",
            value=written.pct(of("exposure"), places=1),
            note=f"turnover {written.number(of('turnover'), places=1)} times a year",
            help="Average share of equity that was invested.",
        ),
    )


def draw(document: RunDocument) -> None:
    """Draw the key figures as tiles that wrap where it is narrow."""
    with st.grid(4, min_column_width=_MIN_WIDTH, gap="small"):
        for figure in figures(document):
            st.metric(
                figure.title,
                figure.value,
                figure.note,
                delta_color="off",
                delta_arrow="off",
                help=figure.help,
                border=True,
                height="stretch",
            )


def draw_honesty(document: RunDocument) -> None:
    """Draw the strip that says how far the figures may be trusted."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(" ".join(_badges(document.honesty)), width="content")
        _draw_list("What to keep in mind", ":material/balance:", document.honesty.notes)
        _draw_list("Warnings", ":material/warning:", document.warnings)


def _badges(honesty: HonestyPart) -> list[str]:
    badges = [_LOOKAHEAD.get(honesty.lookahead, f":gray-badge[{escaped(honesty.lookahead)}]"), _trials(honesty)]
    if honesty.trades_enough is not None:
        badges.append(":green-badge[:material/check: enough trades]" if honesty.trades_enough else ":orange-badge[few trades]")
    if honesty.beats_buy_and_hold is not None:
        beats = honesty.beats_buy_and_hold
        badges.append(":green-badge[:material/check: beats buy and hold]" if beats else ":orange-badge[does not beat buy and hold]")
    return badges


def _draw_list(title: str, icon: str, lines: Sequence[str]) -> None:
    if lines:
        with st.popover(f"{title} ({len(lines)})", icon=icon, type="tertiary"):
            st.markdown("\n".join(f"- {escaped(line)}" for line in lines))


def _trials(honesty: HonestyPart) -> str:
    word = "trial" if honesty.trials == 1 else "trials"
    return f":gray-badge[{honesty.trials} {word} of this idea]"


def _drag(honesty: HonestyPart) -> str:
    share = honesty.cost_share_of_gross
    return "no gross profit to share" if share is None else f"{written.pct(share, places=1)} of gross P&L"


def _count(value: float | None) -> str:
    return written.ABSENT if value is None else written.number(value, places=0)
