from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.csv
import pyarrow.parquet
import pytest

from qts.app.chain_document import ChainQuote, ChainRecord
from qts.app.chain_files import ChainTaken, KeptChains
from qts.app.deleting import DeleteRequest, delete_bars
from qts.app.series_archive import SeriesRequest, show_series
from qts.app.settings import load_settings
from qts.app.workspace import Workspace, open_workspace
from qts.core import IST
from qts.data.storage import Provenance, SeriesBars

WAVE = {"instrument": "SIM:WAVE"}
JANUARY = {"from": "2022-01-03", "to": "2022-01-07"}


@pytest.fixture
def filed(workspace: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """Return a workspace over files, with the bars of the one in memory."""
    settings = load_settings(home=tmp_path / "filed", keep_free="0", max_api_bars=300)
    (info,) = workspace.store.series()
    with open_workspace(settings, clock=workspace.clock) as opened:
        batch = SeriesBars(key=info.key, bars=workspace.store.read(info.key))
        opened.store.upsert([batch], Provenance(source="test", simulated=True), at=workspace.clock.now())
        yield opened


def test_a_series_is_told_with_its_fetches_and_its_files(filed: Workspace, connect: Callable[[Workspace], Any]) -> None:
    client = connect(filed)
    (told,) = client.get("/api/series", params=WAVE).json()
    assert told == show_series(filed, SeriesRequest(instrument="SIM:WAVE"))[0].model_dump(mode="json")
    assert [(one["kind"], one["added"]) for one in told["history"]] == [("import", 248)]
    (file,) = told["files"]
    content = (filed.settings.home / file["path"]).read_bytes()
    assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_bars_are_deleted_and_brought_back(filed: Workspace, connect: Callable[[Workspace], Any]) -> None:
    client = connect(filed)
    before = client.get("/api/bars", params=WAVE).json()
    body = {**WAVE, **JANUARY, "note": "wrong file"}
    planned = client.post("/api/bars/delete", json={**body, "dry_run": True}).json()
    assert (planned["dry_run"], planned["bars"], planned["left"], planned["snapshot"]) == (True, 5, 243, None)
    assert client.get("/api/bars", params=WAVE).json() == before
    done = client.post("/api/bars/delete", json=body).json()
    assert done == {**planned, "dry_run": False, "snapshot": filed.store.snapshot()}
    assert client.get("/api/bars", params=WAVE).json() == before[5:]
    assert client.get("/api/series", params=WAVE).json()[0]["history"][0]["note"] == "wrong file"
    undone = client.post("/api/bars/undo", json={"snapshot": done["snapshot"]}).json()
    assert (undone["undone"], undone["bars"]) == (done["snapshot"], 5)
    assert client.get("/api/bars", params=WAVE).json() == before
    again = client.post("/api/bars/undo", json={})
    assert (again.status_code, again.json()["error"]["kind"]) == (400, "InputError")


def test_the_last_deletion_is_undone_where_none_is_named(client: Any, workspace: Workspace) -> None:
    gone = delete_bars(workspace, DeleteRequest(instrument="SIM:WAVE"))
    assert client.post("/api/bars/undo", json={}).json() == {"undone": gone.snapshot, "bars": 248, "snapshot": workspace.store.snapshot()}


def test_the_page_of_another_site_deletes_nothing(client: Any, workspace: Workspace) -> None:
    before = workspace.store.snapshot()
    for path, body in (("/api/bars/delete", WAVE), ("/api/bars/undo", {})):
        assert client.post(path, json=body, headers={"origin": "http://evil.example"}).status_code == 403
    assert workspace.store.snapshot() == before


def test_bars_are_downloaded_as_a_file_of_each_kind(client: Any, workspace: Workspace, tmp_path: Path) -> None:
    bars = client.get("/api/bars", params={**WAVE, **JANUARY}).json()
    closes = [bar["close"] for bar in bars]
    query = {"instruments": "SIM:WAVE", "intervals": "1d", **JANUARY}
    answers = {kind: client.get("/api/export", params={**query, "format": kind}) for kind in ("csv", "parquet", "duckdb")}
    for kind, answer in answers.items():
        assert answer.headers["content-disposition"] == f'attachment; filename="bars.{kind}"'
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert answers["csv"].headers["content-type"].startswith("text/csv")
    table = pyarrow.csv.read_csv(io.BytesIO(answers["csv"].content))
    assert (table["close"].to_pylist(), set(table["simulated"].to_pylist())) == (closes, {True})
    whole = pyarrow.parquet.read_table(io.BytesIO(answers["parquet"].content))
    assert whole["close"].to_pylist() == closes
    assert b"SIMULATED" in whole.schema.metadata[b"label"]
    (tmp_path / "bars.duckdb").write_bytes(answers["duckdb"].content)
    with duckdb.connect(str(tmp_path / "bars.duckdb"), read_only=True) as database:
        assert [close for (close,) in database.execute("SELECT close FROM bars ORDER BY ts").fetchall()] == closes
        assert database.execute("SELECT snapshot FROM series").fetchall() == [(workspace.store.snapshot(),)]
    assert client.get("/api/export").content.count(b"\n") == 1 + 248


def test_too_many_bars_in_a_file_are_refused_and_no_file_is_left(
    client: Any, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    # At 200 only the exact count refuses, at 100 the estimate does.
    for most in (200, 100):
        workspace.settings.__dict__["max_api_bars"] = most
        answer = client.get("/api/export")
        assert (answer.status_code, f"more than {most} bars" in answer.json()["error"]["message"]) == (400, True)
    assert client.get("/api/export", params=JANUARY).status_code == 200
    assert list(tmp_path.glob("qts-export-*")) == []


def test_a_file_shows_the_state_of_its_snapshot(client: Any, workspace: Workspace) -> None:
    before = workspace.store.snapshot()
    whole = client.get("/api/export").content
    client.post("/api/bars/delete", json={**WAVE, **JANUARY})
    assert client.get("/api/export").content != whole
    assert client.get("/api/export", params={"as_of": before}).content == whole


@pytest.fixture
def keep(workspace: Workspace) -> Callable[[int], ChainRecord]:
    """Return what keeps a chain of this hour."""

    def kept(hour: int) -> ChainRecord:
        quote = ChainQuote(instrument="NFO:NIFTY26NOV24500CE", side="call", strike=24500.0, quoted=True, last_price=60.0 + hour)
        return KeptChains(workspace.settings.home, workspace.control.database).keep(
            ChainTaken(
                underlying="NIFTY",
                exchange="NFO",
                asked_at=datetime(2026, 11, 20, hour, tzinfo=IST),
                source="sandbox",
                listed_on=date(2026, 11, 20).isoformat(),
                expiries=("2026-11-24",),
                quotes=(quote,),
            )
        )

    return kept


def test_kept_chains_are_listed_and_shown(client: Any, keep: Callable[[int], ChainRecord]) -> None:
    assert client.get("/api/chains").json() == []
    early, late = (keep(hour).model_dump(mode="json") for hour in (12, 16))
    assert client.get("/api/chains").json() == [early, late]
    last = client.get("/api/chains/show", params={"underlying": "nifty"}).json()
    assert (last["record"], last["simulated"], last["contracts"][0]["last_price"]) == (late, True, 76.0)
    first = client.get("/api/chains/show", params={"underlying": "NIFTY", "on": "2026-11-20", "at": "15:45"}).json()
    assert (first["record"], first["contracts"][0]["last_price"]) == (early, 72.0)


@pytest.mark.parametrize(
    ("method", "path", "arguments", "status", "kind"),
    [
        pytest.param("GET", "/api/series", {"params": {"instrument": "NSE:NOSUCH"}}, 404, "UnknownInstrument", id="no such series"),
        pytest.param("GET", "/api/series", {"params": {**WAVE, "interval": "1m"}}, 404, "EmptySpan", id="no such interval"),
        pytest.param("GET", "/api/export", {"params": {"instruments": "NSE:NOSUCH"}}, 404, "UnknownInstrument", id="nothing to export"),
        pytest.param("GET", "/api/export", {"params": {"from": "1990-01-01", "to": "1990-02-01"}}, 400, "InputError", id="empty span"),
        pytest.param("GET", "/api/export", {"params": {"from": "2022-02-01", "to": "2022-01-01"}}, 400, "BadParameter", id="turned round"),
        pytest.param("GET", "/api/export", {"params": {"target": "/etc/x.csv"}}, 400, "BadParameter", id="a path of the server"),
        pytest.param("GET", "/api/export", {"params": {"format": "xlsx"}}, 400, "BadParameter", id="no such kind"),
        pytest.param("GET", "/api/export", {"params": {"as_of": "nosuch"}}, 400, "BadParameter", id="no such snapshot"),
        pytest.param("POST", "/api/bars/delete", {"json": {}}, 400, "BadParameter", id="nothing named"),
        pytest.param("POST", "/api/bars/delete", {"json": {"instrument": "NSE:NOSUCH"}}, 404, "UnknownInstrument", id="nothing to delete"),
        pytest.param("POST", "/api/bars/delete", {"json": {**WAVE, "note": "x" * 201}}, 400, "BadParameter", id="a long note"),
        pytest.param("POST", "/api/bars/delete", {"json": {**WAVE, "yes": True}}, 400, "BadParameter", id="unknown field"),
        pytest.param("POST", "/api/bars/undo", {"json": {"snapshot": "nosuch"}}, 400, "BadParameter", id="no deletion"),
        pytest.param("GET", "/api/chains/show", {"params": {"underlying": "NIFTY"}}, 404, "NoChain", id="no chain"),
        pytest.param("GET", "/api/chains/show", {}, 400, "BadParameter", id="no underlying"),
        pytest.param("GET", "/api/chains/show", {"params": {"underlying": "X", "at": "15:45"}}, 400, "BadParameter", id="no day"),
        pytest.param(
            "GET", "/api/chains/show", {"params": {"underlying": "X", "on": "2026-11-20", "at": "1Z"}}, 400, "BadParameter", id="bad time"
        ),
        pytest.param(
            "GET", "/api/chains/show", {"params": {"underlying": "X", "on": "2026-11-20", "at": "15:45Z"}}, 400, "BadParameter", id="zone"
        ),
    ],
)
def test_an_error_is_a_document_with_its_status(
    client: Any, workspace: Workspace, method: str, path: str, *, arguments: dict[str, Any], status: int, kind: str
) -> None:
    before = workspace.store.snapshot()
    answer = client.request(method, path, **arguments)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (status, kind)
    assert answer.json()["error"]["message"]
    assert workspace.store.snapshot() == before
