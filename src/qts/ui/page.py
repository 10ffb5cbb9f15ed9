"""What a page is, which pages there are, and how to link to one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

import streamlit as st

import qts.ui.pages
from qts.core import discover

HOME: Final = "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page: ``group`` is its section in the menu ("" for none), ``order`` its place there, ``render`` draws it."""

    title: str
    icon: str
    group: str
    order: int
    help: str
    render: Callable[[], None]


@functools.cache
def pages() -> Mapping[str, Page]:
    """Return the pages by id, in the order of the menu."""
    found = discover(qts.ui.pages, "PAGE", Page)
    return dict(sorted(found.items(), key=lambda item: item[1].order))


def streamlit_page(page_id: str) -> st.Page:
    """Return what Streamlit's navigation and links take for a page; the home page is the default one, at ``/``."""
    page = pages()[page_id]
    is_home = page_id == HOME
    return st.Page(page.render, title=page.title, icon=page.icon, url_path="" if is_home else page_id, default=is_home, help=page.help)


def navigation() -> st.Page:
    """Draw the menu and return the page that the URL names."""
    sections: dict[str, list[st.Page]] = {}
    for page_id, page in pages().items():
        sections.setdefault(page.group, []).append(streamlit_page(page_id))
    return st.navigation(sections)


def link(page_id: str, label: str, *, icon: str | None = None, query: Mapping[str, str] | None = None, help_text: str = "") -> None:
    """Draw a link to a page."""
    st.page_link(streamlit_page(page_id), label=label, icon=icon, help=help_text, query_params=dict(query or {}))


def go(page_id: str, query: Mapping[str, str]) -> NoReturn:
    """Leave for a page; the rest of this run does not happen."""
    st.switch_page(streamlit_page(page_id), query_params=dict(query))
