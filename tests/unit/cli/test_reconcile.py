from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HEAD = "symbol,isin,trade_date,exchange,segment,series,trade_type,auction,quantity,price,trade_id,order_id,order_execution_time"
ROW = "INFY,INE009A01021,2026-10-05,NSE,EQ,EQ,buy,false,1000,1000,1,1,2026-10-05T09:20:00"
Qts = Callable[..., Any]


def file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "note.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_note_that_agrees_ends_well(qts: Qts, tmp_path: Path) -> None:
    done = qts("reconcile", file(tmp_path, HEAD, ROW, "STT,1000", "Stamp duty,150"))
    assert done.code == 0
    assert "Bills: 1 agree, 0 differ." in done.out
    assert "Note: contract_note:" in done.err


def test_a_difference_is_found_and_the_schedule_doubted(qts: Qts, tmp_path: Path) -> None:
    done = qts("reconcile", file(tmp_path, HEAD, ROW, "STT,1250"))
    assert done.code == 5
    assert "Where our schedule looks out of date" in done.out
    assert "0.125 %" in done.out
    assert "differs" in done.out


def test_a_tradebook_without_charges_is_priced_and_says_so(qts: Qts, tmp_path: Path) -> None:
    done = qts("reconcile", file(tmp_path, HEAD, ROW))
    assert done.code == 0
    assert "states no charges" in done.out
    assert "₹1,187.41" in done.out


def test_rows_that_cannot_be_priced_are_listed(qts: Qts, tmp_path: Path) -> None:
    done = qts("reconcile", file(tmp_path, HEAD, ROW, ROW.replace("NSE", "XYZ"), "STT,1000"))
    assert done.code == 3
    assert "'XYZ' is no exchange" in done.out
    assert "Rows that could not be priced: 1." in done.out
    nothing = qts("reconcile", file(tmp_path, HEAD, ROW.replace("NSE", "XYZ")))
    assert nothing.code == 3
    assert "Nothing could be priced." in nothing.out


def test_json_holds_it_all(qts: Qts, tmp_path: Path) -> None:
    path = file(tmp_path, HEAD, ROW, "STT,1250")
    done = qts("reconcile", path, "--json")
    assert done.code == 5
    document = done.document
    assert (document["file"], document["format"], document["mode"]) == (str(path), "contract note", "contract_note")
    assert (document["agreeing"], document["differing"]) == (0, 1)
    line = next(line for line in document["bills"][0]["lines"] if line["line"] == "stt")
    assert (line["theirs"], line["ours"], line["difference"], line["verdict"]) == (1250, 1000, 250, "differs")
    assert document["out_of_date"][0]["implied_rate"] == "0.125"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html><body>Log in</body></html>", id="html named csv"),
        pytest.param(b"PK\x03\x04rest", id="excel named csv"),
        pytest.param(b"a,b,c\n1,2,3\n", id="wrong columns"),
        pytest.param(b"{", id="cut json"),
        pytest.param(b'{"data": []}', id="json without orders"),
        pytest.param(b"\xff\xfe", id="half a mark"),
        pytest.param(b'"""""', id="quotes"),
        pytest.param(b"\x00\x01\x02", id="binary"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_clear_sentence(qts: Qts, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    done = qts("reconcile", path)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("Error: ")
    assert "odd.csv" in done.err
    assert "Traceback" not in done.err


def test_usage_errors_end_with_two(qts: Qts, tmp_path: Path) -> None:
    path = file(tmp_path, HEAD, ROW)
    assert qts("reconcile", tmp_path / "absent.csv").code == 2
    assert qts("reconcile", path, "--mode", "loud").code == 2
    assert qts("reconcile", path, "--on", "2999-01-01").code == 2
    assert qts("reconcile").code == 2


def test_an_undated_reply_names_the_time_it_fits(qts: Qts, tmp_path: Path) -> None:
    # SBIN bought for 560 by CNC, 0.00345 % and SEBI's fee taxed: between July 2022 and March 2023.
    charges = (
        '{"transaction_tax": 0.56, "exchange_turnover_charge": 0.01932, "sebi_turnover_charge": 0.00056, "brokerage": 0.01, '
        '"stamp_duty": 0.08, "gst": {"total": 0.0053784}, "total": 0.6752584}'
    )
    path = tmp_path / "reply.json"
    path.write_text(
        '{"data": [{"transaction_type": "BUY", "tradingsymbol": "SBIN", "exchange": "NSE", "product": "CNC", "quantity": 1, "price": 560, '
        f'"charges": {charges}}}]}}'
    )
    done = qts("reconcile", path)
    assert done.code == 5
    assert "at the rates in force 2022-07-18..2023-03-31. Try --on 2022-07-18." in done.out
    assert qts("reconcile", path, "--on", "2022-08-01").code == 0


def test_it_starts_without_array_libraries(tmp_path: Path) -> None:
    program = (
        "import sys; from qts.cli.main import main\n"
        f"try: main(['reconcile', {str(file(tmp_path, HEAD, ROW))!r}])\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'pandas', 'numba', 'pyarrow', 'duckdb', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_either_a_file_or_the_broker_is_asked_and_without_keys_that_is_said(qts: Qts, tmp_path: Path) -> None:
    for words in ((), (file(tmp_path, HEAD, ROW), "--broker")):
        done = qts("reconcile", *words)
        assert done.code == 2
        assert "--broker" in done.err
    done = qts("reconcile", "--broker")
    assert done.code == 2
    assert "no keys" in done.err
    assert "KITE_API_KEY" in done.err
