"""Every bad input is one clear sentence with the way out and the exit code agreed; the store stays as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Qts = Callable[..., Any]

GOOD = "date,open,high,low,close,volume\n2022-01-03,10,12,9,11,100\n2022-01-04,11,13,10,12,200\n2022-01-05,11,13,10,12,200\n"
FILES = {
    "an empty file": b"",
    "a header alone": GOOD.splitlines()[0].encode(),
    "binary rubbish": bytes(range(256)) * 40,
    "wrong columns": b"name,colour\nINFY,blue\nTCS,red\n",
    "no sound row": b"date,open,high,low,close,volume\n2022-01-03,10,1,9,11,100\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "a broken zip": b"PK\x03\x04" + bytes(100),
    "a broken gzip": b"\x1f\x8b\x08" + bytes(50),
}


@pytest.fixture
def stored(home: Path, tmp_path: Path, qts: Qts) -> Path:
    """Return the home after an import of three days of NSE:INFY."""
    (tmp_path / "INFY.csv").write_text(GOOD)
    assert qts("import", tmp_path / "INFY.csv").code == 0
    return home


def one_clear_error(done: Any, code: int) -> dict[str, Any]:
    assert done.code == code
    assert "Traceback" not in done.err + done.out
    error: dict[str, Any] = done.document["error"]
    assert error["message"].endswith(".")
    assert error["hint"]
    return error


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_refused_and_changes_nothing(stored: Path, tmp_path: Path, qts: Qts, name: str) -> None:
    assert stored.exists()
    before = qts("catalog", "--json").document
    file = tmp_path / "TCS.csv"
    file.write_bytes(FILES[name])
    done = qts("import", file, "--json")
    assert done.code == 3
    (report,) = done.document["files"]
    assert report["error"] is not None or report["rejected_count"] == 1
    if report["error"] is not None:
        assert report["error"]["message"]
        assert report["error"]["hint"]
    assert qts("catalog", "--json").document == before
    assert "Traceback" not in qts("import", file).err


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param(GOOD, "utf-16", id="UTF-16"),
        pytest.param(GOOD.replace("2022-01-0", "0").replace(",10,12", "/01/2022,10,12", 1), "utf-8", id="mixed dates"),
        pytest.param(
            'date,open,high,low,close\n03-Jan-2022,"1,234.50","1,240.00","1,230.00","1,235.00"\n',
            "utf-8",
            id="grouped digits and names of months",
        ),
    ],
)
def test_what_can_be_read_all_the_same_is_stored_or_refused_by_row(
    home: Path, tmp_path: Path, qts: Qts, *, text: str, encoding: str
) -> None:
    assert home.exists()
    file = tmp_path / "WIPRO.csv"
    file.write_bytes(text.encode(encoding))
    done = qts("import", file, "--json")
    assert done.code in {0, 3}
    (report,) = done.document["files"]
    assert report["stored"] + report["rejected_count"] == report["rows_read"]
    assert (report["stored"] > 0) is (done.code == 0)


def test_a_folder_of_mixed_files_stores_what_is_sound(home: Path, tmp_path: Path, qts: Qts) -> None:
    assert home.exists()
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "INFY.csv").write_text(GOOD)
    for name, content in FILES.items():
        (folder / f"{name}.csv").write_bytes(content)
    (folder / "readme.txt").write_text("hello\n")
    done = qts("import", folder, "--json")
    assert done.code == 0
    assert sum(file["stored"] for file in done.document["files"]) == 3
    assert all(file["stored"] or file["skipped"] or file["error"] or file["rejected_count"] for file in done.document["files"])


def test_an_absent_file_is_named(home: Path, tmp_path: Path, qts: Qts) -> None:
    assert home.exists()
    done = qts("import", tmp_path / "absent.csv", "--json")
    assert done.code == 2
    assert "absent.csv" in done.document["files"][0]["error"]["message"]


@pytest.fixture
def nobody(stored: Path, tmp_path: Path) -> Iterator[None]:
    """Give up root's rights, to which no file is closed, for the length of a test."""
    if os.geteuid() != 0:
        yield
        return
    for path in (tmp_path, *tmp_path.parents):
        if path.name.startswith(("pytest-", "popen-")):
            path.chmod(0o755)
    subprocess.run(["chown", "-R", "65534", str(tmp_path)], check=True)
    assert stored.exists()
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.usefixtures("nobody")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, qts: Qts) -> None:
    file = tmp_path / "INFY.csv"
    file.chmod(0)
    done = qts("import", file, "--json")
    assert done.code == 2
    assert "INFY.csv" in done.document["files"][0]["error"]["message"]
    assert "Traceback" not in done.err


RUN = ("backtest", "ema_cross", "--instruments", "NSE:INFY")


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        pytest.param(("backtest", "nosuch", "--instruments", "NSE:INFY"), 2, "nosuch", id="unknown strategy"),
        pytest.param(("backtest", "./nosuch.py", "--instruments", "NSE:INFY"), 2, "nosuch.py", id="unknown file"),
        pytest.param(("backtest", "ema_cross", "--instruments", "NSE:INFI"), 2, "NSE:INFI", id="unknown instrument"),
        pytest.param(("backtest", "ema_cross", "--instruments", "INFY"), 2, "INFY", id="no exchange"),
        pytest.param((*RUN, "--param", "speed=3"), 2, "speed", id="unknown parameter"),
        pytest.param((*RUN, "--param", "fast"), 2, "fast", id="no value"),
        pytest.param((*RUN, "--param", "fast=fast"), 2, "fast", id="not a number"),
        pytest.param((*RUN, "--param", "fast=30", "--param", "slow=20"), 2, "fast", id="fast beyond slow"),
        pytest.param((*RUN, "--param", "fast=20", "--param", "slow=20"), 2, "fast", id="fast as slow"),
        pytest.param((*RUN, "--from", "1999-01-01", "--to", "1999-12-31"), 3, "1999-01-01", id="no bars in the span"),
        pytest.param((*RUN, "--from", "2022-01-05", "--to", "2022-01-03"), 2, "2022-01-03", id="turned round"),
        pytest.param((*RUN, "--interval", "5m"), 3, "5m", id="interval not held"),
        pytest.param((*RUN, "--interval", "7m"), 2, "7m", id="no such interval"),
        pytest.param((*RUN, "--capital", "lots"), 2, "lots", id="capital"),
        pytest.param((*RUN, "--capital", "-5"), 2, "-5", id="negative capital"),
        pytest.param((*RUN, "--size", "percent:95"), 2, "percent:95", id="percent as a number"),
        pytest.param((*RUN, "--size", ""), 2, "size = ''", id="empty size"),
        pytest.param((*RUN, "--costs", ""), 2, "costs = ''", id="empty costs"),
        pytest.param((*RUN, "--slippage", ""), 2, "slippage = ''", id="empty slippage"),
        pytest.param(("import", ""), 2, "path = ''", id="no path"),
        pytest.param(("up", "--data", "", "--port", "18655"), 2, "path = ''", id="up on no path"),
        pytest.param(("serve", "--host", " ", "--allow-remote"), 2, "host", id="no host"),
        pytest.param((*RUN, "--costs", "free"), 2, "free", id="costs"),
        pytest.param((*RUN, "--slippage", "some"), 2, "some", id="slippage"),
        pytest.param((*RUN, "--product", "NRML"), 2, "NRML is for futures and options", id="product of contracts"),
        pytest.param((*RUN, "--product", "BO"), 2, "product", id="product"),
        pytest.param((*RUN, "--size", "lots:0"), 2, "lots:0", id="no lots"),
        pytest.param((*RUN, "--size", "atr-risk:2"), 2, "atr-risk:2", id="risk of more than all"),
        pytest.param((*RUN, "--size", "atr-risk:0.01,span=x"), 2, "span=x", id="span of the risk"),
        pytest.param((*RUN, "--size", "vol-target:0"), 2, "vol-target:0", id="no volatility"),
        pytest.param((*RUN, "--slippage", "ticks:some"), 2, "ticks:some", id="ticks of slippage"),
        pytest.param((*RUN, "--slippage", "half-spread:-1"), 2, "half-spread:-1", id="negative spread"),
        pytest.param((*RUN, "--slippage", "volume-share:2"), 2, "volume-share:2", id="more than the volume"),
        pytest.param((*RUN, "--stop-loss", "five"), 2, "stop_loss = five", id="stop-loss in words"),
        pytest.param((*RUN, "--stop-loss", "5"), 2, "stop_loss = 5", id="stop-loss in per cent"),
        pytest.param((*RUN, "--take-profit", "-0.1"), 2, "take_profit = -0.1", id="negative target"),
        pytest.param((*RUN, "--trailing-stop", "1"), 2, "trailing_stop = 1", id="trailing stop of all"),
        pytest.param((*RUN, "--max-position", "0"), 2, "max_position = 0", id="no position"),
        pytest.param((*RUN, "--max-exposure", "101"), 2, "max_exposure = 101", id="exposure in per cent"),
        pytest.param((*RUN, "--daily-loss", "nan"), 2, "daily_loss", id="loss of a day that is no number"),
        pytest.param((*RUN, "--max-drawdown", "inf"), 2, "max_drawdown", id="endless drawdown"),
        pytest.param((*RUN, "--lot", "many"), 2, "lot = many", id="lot in words"),
        pytest.param((*RUN, "--lot", "0"), 2, "lot = 0", id="no lot"),
        pytest.param((*RUN, "--lot", "25"), 2, "lot = 25", id="lot of a share"),
        pytest.param((*RUN, "--fill-interval", "7m"), 2, "7m", id="no such fill interval"),
        pytest.param((*RUN, "--fill-interval", "1d"), 2, "fill_interval", id="fill interval as long"),
        pytest.param((*RUN, "--fill-interval", "1w"), 2, "fill_interval", id="fill interval longer"),
        pytest.param((*RUN, "--fill-interval", "1m"), 3, "1m", id="fill interval not held"),
        pytest.param((*RUN, "--fill", "best"), 2, "fill", id="fill"),
        pytest.param((*RUN, "--as-of", "nosuch"), 2, "nosuch", id="unknown snapshot"),
        pytest.param(("bars", "NSE:NOSUCH"), 2, "NSE:NOSUCH", id="bars of nothing"),
        pytest.param(("bars", "NSE:INFY", "--prices", "adjusted"), 3, "adjusted", id="basis not held"),
        pytest.param(("replay", "nosuch"), 2, "nosuch", id="unknown run"),
        pytest.param(("calendar", "--exchange", "MOON"), 2, "MOON", id="unknown exchange"),
        pytest.param(("import", "x.csv", "--map", "close"), 2, "close", id="map without a sign"),
        pytest.param(("import", "x.csv", "--format", "papyrus"), 2, "papyrus", id="unknown format"),
        pytest.param(("serve", "--host", "0.0.0.0"), 2, "no login", id="open to other machines"),  # noqa: S104 - it is refused
    ],
)
def test_a_bad_wish_is_one_sentence_with_the_way_out(stored: Path, qts: Qts, words: tuple[str, ...], *, code: int, named: str) -> None:
    assert stored.exists()
    error = one_clear_error(qts(*words, "--json"), code)
    assert named in error["message"]
    plain = qts(*words)
    assert (plain.code, plain.out) == (code, "")
    assert plain.err.startswith("Error: ")


def test_one_bar_and_too_few_bars_are_run_without_a_trade(stored: Path, qts: Qts) -> None:
    assert stored.exists()
    for end in ("2022-01-03", "2022-01-05"):
        document = qts(*RUN, "--to", end, "--json").document
        assert document["fills"] == []
        assert document["metrics"]["sharpe"] is None
        assert document["warnings"]


def test_a_row_with_nan_inside_is_refused_and_the_rest_stored(home: Path, tmp_path: Path, qts: Qts) -> None:
    assert home.exists()
    (tmp_path / "TCS.csv").write_text(GOOD + "2022-01-06,11,NaN,10,12,200\n2022-01-07,11,inf,10,12,200\n")
    (report,) = qts("import", tmp_path / "TCS.csv", "--json").document["files"]
    assert (report["stored"], report["rejected_count"], [row["row"] for row in report["rejected"]]) == (3, 2, [5, 6])


HEAD = "from qts.strategies import Strategy\n"
STRATEGIES = {
    "syntax error": ("def targets(:\n", 1),
    "raises at import": ("x = 1\n1 / 0\n", 2),
    "raises when run": (f"{HEAD}def bad(bars):\n    raise KeyError('boom')\nSTRATEGY = Strategy(title='R', targets=bad)\n", 3),
    "exits": (f"{HEAD}def bad(bars):\n    raise SystemExit(0)\nSTRATEGY = Strategy(title='R', targets=bad)\n", 3),
    "no strategy": ("x = 1\n", None),
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_broken_strategy_file_names_its_line(stored: Path, tmp_path: Path, qts: Qts, name: str) -> None:
    assert stored.exists()
    text, line = STRATEGIES[name]
    file = tmp_path / "mine.py"
    file.write_text(text)
    error = one_clear_error(qts("backtest", file, "--instruments", "NSE:INFY", "--json"), 2)
    assert error.get("line") == line
    assert qts("runs", "--json").document == []


def test_a_broken_setting_is_named(home: Path, qts: Qts) -> None:
    (home / "qts.toml").write_text("colour = 'red'\n")
    assert "colour" in one_clear_error(qts("catalog", "--json"), 2)["message"]


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path, qts: Qts) -> None:
    (tmp_path / "file").write_text("")
    error = one_clear_error(qts("--home", tmp_path / "file" / "x", "catalog", "--json"), 2)
    assert "QTS_HOME" in error["hint"]


LOUD = f"""{HEAD}import os, sys
print("at import")
def loud(bars):
    print("from print")
    os.write(1, b"from the descriptor\\n")
    os.system("echo from a child")
    return bars.close * 0
STRATEGY = Strategy(title='L', targets=loud)
"""


def test_what_a_strategy_prints_never_mixes_with_the_answer(stored: Path, tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(LOUD)
    words = [sys.executable, "-m", "qts", "--home", stored, "backtest", tmp_path / "loud.py", "--instruments", "NSE:INFY", "--json"]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["fills"] == []
    for voice in ("at import", "from print", "from the descriptor", "from a child"):
        assert voice in done.stderr


def test_a_pipe_is_refused_and_not_waited_for(home: Path, tmp_path: Path, qts: Qts) -> None:
    assert home.exists()
    os.mkfifo(tmp_path / "pipe.csv")
    done = qts("import", tmp_path / "pipe.csv", "--json")
    assert done.code == 2
    assert "no ordinary file" in done.document["files"][0]["error"]["message"]


@pytest.mark.usefixtures("nobody")
def test_a_locked_folder_within_a_folder_is_named_and_the_rest_stored(tmp_path: Path, qts: Qts) -> None:
    (tmp_path / "prices" / "locked").mkdir(parents=True)
    (tmp_path / "prices" / "WIPRO.csv").write_text(GOOD)
    (tmp_path / "prices" / "locked").chmod(0)
    done = qts("import", tmp_path / "prices", "--json")
    assert done.code == 0
    locked, sound = done.document["files"]
    assert "may not be read" in locked["error"]["message"]
    assert sound["stored"] == 3


@pytest.mark.usefixtures("nobody")
def test_a_home_that_may_not_be_looked_into_is_named(tmp_path: Path, qts: Qts) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    assert "closed" in one_clear_error(qts("--home", tmp_path / "closed" / "home", "catalog", "--json"), 2)["message"]


@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [
        pytest.param(">&-", 0, "", id="stdout closed"),
        pytest.param("2>&-", 0, "", id="stderr closed"),
        pytest.param("<&-", 0, "", id="stdin closed"),
        pytest.param(">/dev/full", 4, "No space left on device", id="no room for the answer"),
    ],
)
@pytest.mark.parametrize("words", ["catalog", "catalog --json"])
def test_wherever_the_answer_goes_there_is_no_traceback(stored: Path, redirection: str, code: int, said: str, *, words: str) -> None:
    command = f"{sys.executable} -m qts --home {stored} {words} {redirection}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (code, True, False)
