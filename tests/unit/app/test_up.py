from __future__ import annotations

from pathlib import Path

import pytest

from qts.app.supervisor import Address
from qts.app.up import check_host, has_display, import_folder, run_url
from qts.app.workspace import Workspace
from qts.core.errors import BadPath, InputError


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_needs_no_word(host: str) -> None:
    check_host(host, allow_remote=False)


def test_other_machines_are_let_in_only_when_asked_for() -> None:
    with pytest.raises(InputError, match="no login yet") as caught:
        check_host("192.0.2.7", allow_remote=False)
    assert "--allow-remote" in caught.value.hint
    check_host("192.0.2.7", allow_remote=True)


def test_the_link_opens_the_run() -> None:
    assert run_url(Address(host="127.0.0.1", port=8501), "abc") == "http://127.0.0.1:8501/backtest?run=abc"


def test_a_browser_is_opened_only_where_one_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_display()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_display()


def test_a_folder_is_imported_and_one_that_gives_nothing_is_an_error(empty: Workspace, tmp_path: Path) -> None:
    (tmp_path / "INFY.csv").write_text("date,open,high,low,close\n2022-01-03,10,12,9,11\n2022-01-04,10,12,9,11\n")
    assert import_folder(empty, tmp_path).files[0].stored == 2
    with pytest.raises(BadPath):
        import_folder(empty, tmp_path / "absent")
