from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Qts = Callable[..., Any]
HEAD = "date,open,high,low,close,volume\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "WALK.csv"
    file.write_text(f"{HEAD}2024-01-02,10,12,9,11,100\n2024-01-03,11,13,10,12,200\n")
    return file


@pytest.fixture
def stored(home: Path, source: Path, qts: Qts) -> Path:
    assert qts("import", source, "--exchange", "SIM").code == 0
    return home


def damage(home: Path) -> Path:
    (path,) = (home / "data" / "bars").rglob("*.parquet")
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.unlink()
    path.write_bytes(content)
    return path


@pytest.mark.usefixtures("stored")
def test_a_sound_home_is_said_to_be_so(qts: Qts) -> None:
    done = qts("verify")
    assert (done.code, done.err) == (0, "")
    assert done.out == "1 files of bars and 0 runs checked (every byte): all sound.\n"
    assert qts("verify", "--quick", "--json").document["quick"] is True


def test_damage_is_named_set_aside_and_healed_by_the_import_that_it_asks_for(stored: Path, source: Path, qts: Qts) -> None:
    path = damage(stored)
    assert qts("verify", "--look-only").code == 5
    assert path.exists()
    done = qts("verify", "--json")
    assert done.code == 5
    (found,) = done.document["damage"]
    assert (found["path"], found["state"]) == (path.relative_to(stored).as_posix(), "damaged")
    assert (stored / found["aside"]).exists()
    assert done.document["refill"] == [
        {"instrument": "SIM:WALK", "interval": "1d", "prices": "raw", "first": "2024-01-02", "last": "2024-01-03"}
    ]
    again = qts("verify")
    assert (again.code, "SIM:WALK 1d raw, 2024-01-02..2024-01-03" in again.err) == (5, True)
    refused = qts("bars", "SIM:WALK", "--json")
    assert (refused.code, refused.document["error"]["kind"]) == (3, "DamagedFile")
    assert qts("import", source, "--exchange", "SIM").code == 0
    assert qts("verify").code == 0


def test_a_damaged_manifest_is_damage_and_no_failure(stored: Path, qts: Qts) -> None:
    for left in stored.glob("manifest.sqlite*"):
        left.unlink()
    (stored / "manifest.sqlite").write_bytes(b"no database at all " * 1_000)
    done = qts("verify", "--json")
    assert (done.code, [found["path"] for found in done.document["damage"]]) == (5, ["manifest.sqlite"])
    assert qts("doctor", "--json").code == 5


def test_a_lost_manifest_is_found_by_the_doctor(stored: Path, qts: Qts) -> None:
    for left in stored.glob("manifest.sqlite*"):
        left.unlink()
    for command in ("catalog", "doctor"):  # after the first the manifest is there again, and empty
        asked = qts("doctor")
        assert (asked.code, "yet there are files of bars" in asked.out, "restore BACKUP" in asked.err) == (5, True, True)
        assert qts(command).code in {0, 5}


def test_a_backup_is_made_checked_and_restored(stored: Path, tmp_path: Path, qts: Qts) -> None:
    made = qts("backup", "--to", tmp_path / "backups", "--keep", "1", "--json")
    assert made.code == 0
    path = Path(made.document["path"])
    checked = qts("verify", "--backup", path)
    assert (checked.code, "sound" in checked.out) == (0, True)
    again = tmp_path / "again"
    restored = qts("--home", again, "restore", path, "--json")
    assert (restored.code, restored.document["verified"]["sound"]) == (0, True)
    assert qts("--home", again, "bars", "SIM:WALK", "--format", "csv").out == qts("bars", "SIM:WALK", "--format", "csv").out
    refused = qts("restore", path)
    assert (refused.code, "not empty" in refused.err) == (2, True)
    assert stored.exists()


def test_a_backup_whose_bytes_changed_is_found(stored: Path, tmp_path: Path, qts: Qts) -> None:
    path = Path(qts("backup", "--to", tmp_path / "backups", "--json").document["path"])
    harmed = damage(path / "home")
    done = qts("verify", "--backup", path, "--json")
    assert (done.code, list(done.document["damaged"])) == (5, [harmed.relative_to(path / "home").as_posix()])
    assert qts("--home", tmp_path / "again", "restore", path).code == 3
    assert qts("verify").code == 0
    assert stored.exists()


def test_a_lost_file_is_taken_from_a_backup_on_another_disk(stored: Path, tmp_path: Path, qts: Qts) -> None:
    made = Path(qts("backup", "--to", tmp_path / "backups", "--json").document["path"])
    # On one disk the backup is another name for the same bytes: one that is damaged in place would be of no use.
    shutil.copytree(made, tmp_path / "elsewhere" / made.name)
    path = damage(stored)
    mistyped = qts("verify", "--heal-from", tmp_path / "elsewheer")
    assert (mistyped.code, "no such folder" in mistyped.err, path.exists()) == (2, True, True)
    done = qts("verify", "--heal-from", tmp_path / "elsewhere", "--json")
    (found,) = done.document["damage"]
    assert (done.code, found["put_back"], done.document["refill"]) == (5, True, [])
    assert path.exists()
    assert qts("verify").code == 0
    assert qts("bars", "SIM:WALK", "--json").code == 0


@pytest.mark.usefixtures("stored")
def test_compacting_says_what_it_did(qts: Qts) -> None:
    done = qts("compact", "--all")
    assert (done.code, done.out) == (0, "Nothing to do: all bars are in the files of their years.\n")
    assert qts("compact", "--json").document == []


@pytest.mark.usefixtures("stored")
def test_the_doctor_looks_at_everything_and_is_content(qts: Qts) -> None:
    done = qts("doctor", "--json")
    assert (done.code, done.document["well"]) == (0, True)
    assert {"release", "home", "disk", "manifest", "files", "control", "backups"} <= {found["about"] for found in done.document["findings"]}
    assert "1 series, 1 snapshots" in qts("doctor").out


def test_the_doctor_names_what_others_may_read_or_write(stored: Path, qts: Qts) -> None:
    # The folders above a test's home are closed to others; what counts here is the home itself and the strategies in it.
    stored.chmod(0o777)
    strategy = stored / "strategies" / "mine.py"
    strategy.write_text("# mine\n")
    strategy.chmod(0o666)
    done = qts("doctor", "--security", "--json")
    named = {found["about"]: found for found in done.document["findings"]}
    assert done.code == 5
    assert named["strategies"]["hint"] == f"Run: chmod go-w {strategy}"
    strategy.chmod(0o600)
    stored.chmod(0o700)
    assert qts("doctor", "--security").code == 0


@pytest.mark.usefixtures("stored")
def test_the_doctor_looks_at_the_key_of_the_secrets(tmp_path: Path, qts: Qts, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "secret.key"
    key.write_bytes(b"k" * 32)
    key.chmod(0o600)
    monkeypatch.setenv("QTS_KEY_FILE", str(key))
    named = {found["about"]: found for found in qts("doctor", "--security", "--json").document["findings"]}
    assert named["key file"]["text"] == f"{key} is yours alone"
