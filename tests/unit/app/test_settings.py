from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from qts.app.home import default_home
from qts.app.settings import Settings, load_settings
from qts.core.errors import BadFile, BadParameter, BadPath, InputError


def test_without_anything_the_defaults_hold(home: Path) -> None:
    settings = load_settings()
    assert (settings.home, settings.port, settings.capital) == (home, 8501, Decimal(1_000_000))
    assert settings.control_path == home / "control.sqlite"
    assert settings.runs_folder == home / "data" / "runs"


def test_arguments_win_over_the_environment_over_the_file_over_the_defaults(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "qts.toml").write_text('port = 1111\nhost = "localhost"\ncapital = 5000\n')
    monkeypatch.setenv("QTS_PORT", "2222")
    monkeypatch.setenv("QTS_HOST", "::1")
    settings = load_settings(host="127.0.0.1")
    assert (settings.host, settings.port, settings.capital) == ("127.0.0.1", 2222, Decimal(5000))


def test_the_file_of_the_home_that_was_named_is_read(tmp_path: Path, home: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "qts.toml").write_text("port = 3333\n")
    assert load_settings(home=other).port == 3333
    assert load_settings().home == home


def test_a_key_that_is_no_setting_is_refused_by_name(home: Path) -> None:
    (home / "qts.toml").write_text("prot = 1\n")
    with pytest.raises(BadParameter, match="prot") as caught:
        load_settings()
    assert "qts.toml" in caught.value.hint


def test_a_value_that_does_not_fit_names_the_field(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home
    monkeypatch.setenv("QTS_PORT", "high")
    with pytest.raises(BadParameter, match="port = high"):
        load_settings()


@pytest.mark.parametrize("content", [b"port = = 1", b"\xff\xfe"], ids=["not TOML", "not text"])
def test_a_broken_file_is_said_to_be_broken(home: Path, content: bytes) -> None:
    (home / "qts.toml").write_bytes(content)
    with pytest.raises(BadFile, match=r"qts\.toml"):
        load_settings()


def test_an_unset_environment_falls_back_to_the_users_data_folder() -> None:
    assert load_settings().home == default_home()


@pytest.mark.parametrize("name", ["20260105T000000Z", "20260105T000000Z/home", "link"])
def test_a_backup_is_no_home(tmp_path: Path, name: str) -> None:
    backup = tmp_path / "20260105T000000Z"
    (backup / "home").mkdir(parents=True)
    (backup / "backup.json").touch()
    (tmp_path / "link").symlink_to(backup / "home")
    with pytest.raises(BadPath, match="it is a backup") as caught:
        load_settings(home=tmp_path / name)
    assert f"restore {backup}`" in caught.value.hint
    assert load_settings(home=tmp_path / "home").home == tmp_path / "home"


def test_a_relative_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(home="here").home == tmp_path / "here"


def test_every_setting_has_its_meaning() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_list_that_is_no_json_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert home.exists()
    monkeypatch.setenv("QTS_ALLOWED_HOSTS", "my-host")
    with pytest.raises(InputError, match="allowed_hosts"):
        load_settings()


def test_sizes_are_told_in_bytes(home: Path) -> None:
    settings = load_settings(home=home, cache_size="2 GB", keep_free="0")
    assert (settings.cache_bytes, settings.keep_free_bytes) == (2 * 10**9, 0)
