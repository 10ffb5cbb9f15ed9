"""Which run this is: its name, what it used, and how to make it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from qts.app import format as written
from qts.app.order_events import guard_words
from qts.app.run_document import RunDocument
from qts.ui import links, page
from qts.ui.components import run_form
from qts.ui.errors import escaped


def draw(document: RunDocument) -> None:
    """Draw the header of a run."""
    data = document.data
    left, right = st.columns([5, 2], vertical_alignment="center")
    with left:
        st.subheader(f"{escaped(document.strategy.title)} on {escaped(named(data.instruments))}", anchor=False)
    with right, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        page.link("strategies", "Change and run again", icon=":material/edit:", query=run_form.form_query(document))
        with st.popover("Link", icon=":material/link:"):
            _draw_link(document)
    badges = [":orange-badge[SIMULATED: invented prices]"] if document.simulated else []
    badges += [f":blue-badge[{escaped(data.interval)}]", f":gray-badge[{document.settings.product}]"]
    params = params_text(document.strategy.params)
    facts = [
        " ".join(badges),
        escaped(params),
        ", ".join(guard_words(document.settings)),
        "" if data.fill_interval is None else f"filled on {data.fill_interval} bars",
        f"{data.start} to {data.end}",
        f"{written.number(data.bars, places=0)} bars",
        f"capital {written.inr_short(float(document.settings.capital))}",
        f"snapshot `{data.snapshot[:12]}`",
        f"engine {document.engine.version}",
    ]
    st.markdown(" · ".join(fact for fact in facts if fact))


def named(instruments: Sequence[str], *, shown: int = 2) -> str:
    """Return the instruments in few words: at most ``shown`` by name.

    >>> named(("NSE:A", "NSE:B", "NSE:C", "NSE:D"))
    'NSE:A, NSE:B and 2 more'
    """
    names = ", ".join(instruments[:shown])
    return names if len(instruments) <= shown else f"{names} and {len(instruments) - shown} more"


def params_text(params: Mapping[str, bool | int | float | str]) -> str:
    """Return a strategy's parameters in a line.

    >>> params_text({"fast": 12, "short": False})
    'fast 12, short off'
    """
    return ", ".join(f"{name} {('on' if value else 'off') if isinstance(value, bool) else value}" for name, value in params.items())


def run_url(current: str | None, run_id: str) -> str:
    """Return the whole address of a run, on the host that the browser uses now.

    >>> run_url("http://127.0.0.1:8501/view?x=1", "abc")
    'http://127.0.0.1:8501/backtest?run=abc'
    """
    query = urlencode(links.run_query(links.RunLink(run=run_id)))
    parts = urlsplit(current or "")
    return urlunsplit((parts.scheme, parts.netloc, "/backtest", query, ""))


def command(document: RunDocument) -> str:
    """Return the command that makes this run again."""
    data, settings = document.data, document.settings
    words = ["qts", "backtest", document.strategy.id, "--instruments", ",".join(data.instruments), "--interval", data.interval]
    words += ["--from", data.start, "--to", data.end]
    for name, value in document.strategy.params.items():
        words += ["--param", f"{name}={value}"]
    words += ["--capital", settings.capital, "--product", settings.product, "--size", settings.size, "--costs", settings.costs]
    words += ["--slippage", settings.slippage, "--fill", settings.fill, "--as-of", data.snapshot]
    words += ["--fill-interval", data.fill_interval] if data.fill_interval is not None else []
    words += ["--fractional"] if settings.fractional else []
    words += ["--close-at-end"] if settings.close_at_end else []
    words += ["--rebalance"] if settings.rebalance else []
    words += [] if settings.ticks else ["--no-ticks"]
    for name in ("lot", "stop_loss", "take_profit", "trailing_stop", "max_position", "max_exposure", "daily_loss", "max_drawdown"):
        value = getattr(settings, name)
        words += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def _draw_link(document: RunDocument) -> None:
    st.caption("This page, with the same data, for as long as the run is stored")
    st.code(run_url(st.context.url, document.run_id), language=None, wrap_lines=True)
    st.caption("Compute it again and compare it byte for byte")
    st.code(f"qts replay {document.run_id}", language=None)
    st.caption("The same run from a terminal")
    st.code(command(document), language=None, wrap_lines=True)
