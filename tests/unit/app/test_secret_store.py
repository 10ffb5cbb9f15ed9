from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from qts.app.control import ControlDatabase
from qts.app.secret_store import SECRETS, SecretStore
from qts.core.errors import BadPath, DamagedFile, InputError
from qts.data.storage.row_seals import with_seal

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
CANARY = "canary-0123456789"


@pytest.fixture
def control(tmp_path: Path) -> Iterator[ControlDatabase]:
    opened = ControlDatabase.open(tmp_path / "home" / "control.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "secret.key"


def test_a_secret_comes_back_and_the_newest_holds(control: ControlDatabase, key_file: Path) -> None:
    store = SecretStore(control.database, key_file)
    assert store.get("name") is None
    store.put("name", "old", at=AT)
    store.put("name", CANARY, at=AT)
    assert SecretStore(control.database, key_file).get("name") == (CANARY, AT)
    store.drop("name")
    assert store.get("name") is None


def test_nothing_on_the_disk_of_the_home_shows_it(control: ControlDatabase, key_file: Path, tmp_path: Path) -> None:
    SecretStore(control.database, key_file).put("name", CANARY, at=AT)
    control.close()
    files = [file for file in (tmp_path / "home").rglob("*") if file.is_file()]
    assert files
    assert not any(CANARY.encode() in file.read_bytes() for file in files)
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_two_seals_of_one_secret_differ(control: ControlDatabase, key_file: Path, tmp_path: Path) -> None:
    store = SecretStore(control.database, key_file)
    for name in ("a", "b"):
        store.put(name, CANARY, at=AT)
    with sqlite3.connect(tmp_path / "home" / "control.sqlite") as connection:
        (first, second) = (row[0] for row in connection.execute("SELECT sealed FROM secrets"))
    assert first != second


def test_a_secret_under_another_name_does_not_open(control: ControlDatabase, key_file: Path) -> None:
    store = SecretStore(control.database, key_file)
    store.put("name", CANARY, at=AT)
    with control.database.writing() as connection:
        row = connection.execute(sa.select(SECRETS)).mappings().one()
        connection.execute(sa.update(SECRETS).values(with_seal(SECRETS, {**row, "name": "other"})))
    with pytest.raises(InputError, match="does not open"):
        store.get("other")


@pytest.mark.parametrize(
    "change",
    ["sealed = x'00'", "salt = 'text'", "nonce = x''", "made_at = 'then'", "made_at = CAST(x'ff' AS TEXT)", "made_at = '2027-11-20T12:00'"],
)
def test_a_damaged_secret_is_told_with_the_way_out_and_is_kept_anew(
    control: ControlDatabase, key_file: Path, tmp_path: Path, change: str
) -> None:
    store = SecretStore(control.database, key_file)
    for name in ("name", "other"):
        store.put(name, CANARY, at=AT)
    with sqlite3.connect(tmp_path / "home" / "control.sqlite") as connection:
        connection.execute(f"UPDATE secrets SET {change} WHERE name = 'name'")  # noqa: S608 - our own words
    connection.close()
    with pytest.raises(DamagedFile, match="the record of name in secrets differs") as caught:
        store.get("name")
    assert all(way in caught.value.hint for way in ("qts login --again", "--save-keys", "restore BACKUP"))
    assert store.get("other") == (CANARY, AT)
    store.put("name", "new", at=AT)
    assert store.get("name") == ("new", AT)


def test_a_damaged_claim_is_still_a_claim_and_is_forgotten_with_the_old_ones(
    control: ControlDatabase, key_file: Path, tmp_path: Path
) -> None:
    store = SecretStore(control.database, key_file)
    names = ("claims/1", "claims/2", "claims/3")
    assert [store.claim(name, at=AT) for name in names] == [True] * 3
    store.put("name", CANARY, at=AT)
    with sqlite3.connect(tmp_path / "home" / "control.sqlite") as connection:
        connection.execute("UPDATE secrets SET made_at = 'then' WHERE name = 'claims/1'")
        connection.execute("UPDATE secrets SET made_at = CAST(x'ff' AS TEXT) WHERE name IN ('claims/2', 'name')")
    connection.close()
    assert [store.claim(name, at=AT) for name in names] == [False] * 3
    store.drop_claims("claims/", before=AT)
    assert [store.claim(name, at=AT) for name in names] == [True, True, False]
    store.drop("name")
    assert store.get("name") is None


def test_without_the_key_nothing_opens_and_the_way_out_is_told(control: ControlDatabase, key_file: Path) -> None:
    store = SecretStore(control.database, key_file)
    store.put("name", CANARY, at=AT)
    key_file.unlink()
    with pytest.raises(BadPath, match="no such file") as caught:
        store.get("name")
    assert "put it back" in caught.value.hint
    key_file.write_bytes(b"k" * 32)
    key_file.chmod(0o600)
    with pytest.raises(InputError, match="does not open"):
        store.get("name")


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        pytest.param(b"k" * 32, 0o644, "may be read by others", id="open to others"),
        pytest.param(b"short", 0o600, "5 bytes instead of 32", id="no key"),
    ],
)
def test_a_key_file_that_is_none_is_refused(control: ControlDatabase, key_file: Path, content: bytes, mode: int, reason: str) -> None:  # noqa: PLR0917 - fixtures and a row of the table
    key_file.parent.mkdir()
    key_file.write_bytes(content)
    key_file.chmod(mode)
    with pytest.raises(BadPath, match=reason):
        SecretStore(control.database, key_file).put("name", CANARY, at=AT)


def test_a_name_is_taken_once_until_it_is_forgotten(control: ControlDatabase, key_file: Path) -> None:
    store = SecretStore(control.database, key_file)
    assert [store.claim(name, at=AT) for name in ("a/1", "a/1", "a/2", "b/1")] == [True, False, True, True]
    store.drop_claims("a/", before=AT)
    assert not store.claim("a/1", at=AT)
    store.drop_claims("a/", before=AT + timedelta(seconds=1))
    assert [store.claim(name, at=AT) for name in ("a/1", "b/1")] == [True, False]
    assert not key_file.exists()
