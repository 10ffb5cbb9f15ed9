from __future__ import annotations

import pytest

from qts.app.listening import check_host, has_display
from qts.core.errors import InputError


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_needs_no_word(host: str) -> None:
    check_host(host, allow_remote=False)


def test_other_machines_are_let_in_only_when_asked_for() -> None:
    with pytest.raises(InputError, match="no login yet") as caught:
        check_host("192.0.2.7", allow_remote=False)
    assert "--allow-remote" in caught.value.hint
    check_host("192.0.2.7", allow_remote=True)


def test_a_browser_is_opened_only_where_one_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_display()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_display()
