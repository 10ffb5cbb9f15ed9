from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.ui.errors import escaped
from qts.ui.workspace import share


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(load_settings(home=tmp_path / "home")) as opened:
        share(opened)
        yield opened
        st.cache_resource.clear()


def raising(name: str) -> None:
    from qts.core.errors import BadParameter, DamagedFile, SourceError  # noqa: PLC0415 - the script runs by itself
    from qts.ui.errors import on_script_error, shown  # noqa: PLC0415

    known = {
        "input": BadParameter("fast", 50, "is above 40", hint="Give fast at most 40."),
        "data": DamagedFile("bars.parquet", "its hash differs"),
        "source": SourceError("The broker is down.", hint="Try later."),
        "os": PermissionError(13, "Permission denied", "bars.parquet"),
    }
    if name in known:
        with shown():
            raise known[name]
    else:
        on_script_error(ZeroDivisionError("a secret of the machine"))


@pytest.mark.parametrize(
    ("name", "heading", "way_out"),
    [
        ("input", "This cannot be done as asked", "at most 40"),
        ("data", "The data does not allow it", "names what to import again"),
        ("source", "It did not work", "Try later"),
        ("os", "This cannot be done as asked", "permissions"),
    ],
)
def test_an_error_is_one_box_with_its_way_out(name: str, heading: str, way_out: str) -> None:
    at = AppTest.from_function(raising, args=(name,)).run()
    assert not at.exception
    assert [heading in each.value for each in at.error] == [True]
    assert way_out in at.error[0].value


def test_what_nobody_foresaw_shows_an_id_and_not_the_text() -> None:
    at = AppTest.from_function(raising, args=("unforeseen",)).run()
    assert not at.exception
    assert "Error id: `" in at.error[0].value
    assert "secret" not in at.error[0].value


@given(some.text())
def test_escaped_text_reads_as_it_was_written(text: str) -> None:
    assert re.sub(r"\\(.)", r"\1", escaped(text), flags=re.DOTALL) == text


def test_a_name_from_outside_formats_nothing() -> None:
    assert escaped("a*b* [x](y) :red[z]") == r"a\*b\* \[x\](y) \:red\[z\]"
