from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from qts.core.errors import BadFile, BadPath, QtsError
from qts.data import unpack
from qts.data.unpack import Member, encoding_of, members_of, unreadable, utf8_blocks

TEXT = b"date,open,high,low,close\n2024-01-02,1,1,1,1\n"


def content(member: Member) -> bytes:
    with member.blocks() as blocks:
        return b"".join(blocks)


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_a_plain_file_is_its_own_only_member(tmp_path: Path) -> None:
    path = tmp_path / "INFY.csv"
    path.write_bytes(TEXT)
    (member,) = members_of(path, "label")
    assert (member.label, member.name, content(member)) == ("label", "INFY.csv", TEXT)


@pytest.mark.parametrize(("name", "inside"), [("INFY.csv.gz", "INFY.csv"), ("INFY.csv", "INFY.csv")])
def test_gzip_is_known_by_its_bytes_and_not_by_its_name(tmp_path: Path, name: str, inside: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXT))
    (member,) = members_of(path, "label")
    assert (member.name, content(member)) == (inside, TEXT)


def test_a_zip_of_one_file_keeps_its_label_and_of_several_adds_the_names(tmp_path: Path) -> None:
    (alone,) = members_of(zipped(tmp_path / "one.zip", {"INFY.csv": TEXT, "__MACOSX/._INFY.csv": b"x", ".DS_Store": b"x"}), "one.zip")
    assert (alone.label, alone.name, content(alone)) == ("one.zip", "INFY.csv", TEXT)
    two = members_of(zipped(tmp_path / "two.zip", {"a/INFY.csv": TEXT, "TCS.csv": TEXT}), "two.zip")
    assert [(member.label, member.name) for member in two] == [("two.zip/a/INFY.csv", "INFY.csv"), ("two.zip/TCS.csv", "TCS.csv")]


def test_an_archive_in_an_archive_and_a_locked_one_are_refused_by_member(tmp_path: Path) -> None:
    (inner,) = members_of(zipped(tmp_path / "nested.zip", {"more.zip": b"PK"}), "nested.zip")
    with pytest.raises(BadFile, match="archive inside an archive"):
        content(inner)
    path = zipped(tmp_path / "locked.zip", {"INFY.csv": TEXT})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    (locked,) = members_of(path, "locked.zip")
    with pytest.raises(BadFile, match="locked with a password") as caught:
        content(locked)
    assert "Unpack it yourself" in caught.value.hint


@pytest.mark.parametrize("cut", [20, 60, -9])
def test_a_cut_gzip_says_so(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(TEXT * 100)[:cut])
    with pytest.raises(BadFile, match="cut short or damaged"):
        content(members_of(path, "x.gz")[0])


def test_a_cut_zip_and_a_damaged_member_say_so(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", {"INFY.csv": TEXT * 1000})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFile, match="zip that cannot be opened"):
        members_of(path, "x.zip")
    path.write_bytes(whole[:60] + b"\x00\x00\x00" + whole[63:])
    with pytest.raises(BadFile, match=r"cut short or damaged"):
        content(members_of(path, "x.zip")[0])


def test_an_empty_zip_and_one_of_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadFile, match="without files"):
        members_of(zipped(tmp_path / "empty.zip", {}), "empty.zip")
    monkeypatch.setattr(unpack, "MAX_MEMBERS", 1)
    with pytest.raises(BadFile, match="zip of 2 files, more than 1"):
        members_of(zipped(tmp_path / "many.zip", {"a": b"1", "b": b"2"}), "many.zip")


@pytest.mark.parametrize("kind", ["gz", "zip"])
def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(unpack, "RATIO_FREE", 1 << 20)
    monkeypatch.setattr(unpack, "BLOCK", 1 << 18)
    path = tmp_path / f"bomb.{kind}"
    if kind == "gz":
        path.write_bytes(gzip.compress(bytes(30 << 20)))
    else:
        zipped(path, {"bomb.csv": bytes(30 << 20)})
    sizes: list[int] = []
    with members_of(path, "bomb")[0].blocks() as blocks, pytest.raises(BadFile, match="which no table of prices does"):
        sizes.extend(len(block) for block in blocks)
    assert sum(sizes) < 12 << 20


def test_an_absent_path_and_a_refused_one_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadPath, match="there is no such file"):
        members_of(tmp_path / "nothing.csv", "nothing.csv")
    assert "may not be read" in unreadable("x", PermissionError(13, "Permission denied")).message
    assert "Input/output error" in unreadable("x", OSError(5, "Input/output error")).message


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(PermissionError(13, "no"), "may not be read", id="forbidden"),
        pytest.param(EOFError("cut"), "cannot be unpacked", id="cut"),
    ],
)
def test_what_fails_while_opening_is_named(error: Exception, expected: str) -> None:
    def fail() -> io.BytesIO:
        raise error

    with pytest.raises(QtsError, match=expected), Member(label="x", name="x", open=fail).blocks():
        pass


def test_a_disk_that_fails_while_reading_is_named() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, f"Input/output error after {size}")

    with Member(label="x", name="x", open=Failing).blocks() as blocks, pytest.raises(BadPath, match="Input/output error"):
        next(blocks)


def test_an_archive_that_points_outside_itself_is_damaged() -> None:
    class Lost(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(22, f"Invalid argument {size}")

    with Member(label="x", name="x", open=Lost, packed_size=9).blocks() as blocks, pytest.raises(BadFile, match="points outside itself"):
        next(blocks)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"a,b\n", "utf-8-sig"),
        ("\ufeffa,b\n".encode(), "utf-8-sig"),
        ("a,b\n".encode("utf-16"), "utf-16"),
        ("a,b\n".encode("utf-16-le"), "utf-16-le"),
        ("a,b\n".encode("utf-16-be"), "utf-16-be"),
        (bytes(range(256)), None),
        (b"\x89PNG\x01\x02\x03\x04\x05\x06", None),
    ],
)
def test_the_encoding_is_known_by_the_first_bytes(head: bytes, expected: str | None) -> None:
    assert encoding_of(head) == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_text_becomes_utf8_however_the_blocks_are_cut(encoding: str, size: int) -> None:
    text = "symbol,₹\nM&M,1\n" * 20
    data = text.encode(encoding)
    told: list[int] = []
    blocks = iter([data[i : i + size] for i in range(0, len(data), size)])
    assert b"".join(utf8_blocks(blocks, encoding, lambda: told.append(1))).decode() == text
    assert told == []


@pytest.mark.parametrize("data", [b"a\nb\xe9c\nd\xe9", b"abc\xc3"])
def test_what_is_no_utf8_is_read_as_latin_1_and_told_once(data: bytes) -> None:
    told: list[int] = []
    blocks = iter([data[:4], data[4:]])
    assert b"".join(utf8_blocks(blocks, "utf-8-sig", lambda: told.append(1))).decode() == data.decode("latin-1")
    assert told == [1]
