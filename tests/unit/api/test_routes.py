from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from qts.app.workspace import Workspace
from qts.core import Bars, Exchange, InstrumentId, Interval, micros_of
from qts.data.storage import Provenance, SeriesBars, SeriesKey
from qts.market.sessions import daily_stamp

RUN = {"strategy": "ema_cross", "instruments": ["SIM:WAVE"], "params": {"fast": 5, "slow": 20}}


def test_the_catalogue_tells_what_is_stored(client: Any, workspace: Workspace) -> None:
    document = client.get("/api/catalog").json()
    assert document["snapshot"] == workspace.store.snapshot()
    (series,) = document["series"]
    assert (series["instrument"], series["missing"], series["quality"], series["simulated"]) == ("SIM:WAVE", 0, 100.0, True)


def test_bars_come_as_a_list_or_as_arrow(client: Any) -> None:
    query = {"instrument": "SIM:WAVE", "from": "2022-01-03", "to": "2022-01-07"}
    bars = client.get("/api/bars", params=query).json()
    assert [bar["ts"][:10] for bar in bars] == [f"2022-01-0{day}" for day in range(3, 8)]
    assert {bar["simulated"] for bar in bars} == {True}
    answer = client.get("/api/bars", params={**query, "format": "arrow"})
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    whole = pa.ipc.open_stream(answer.content).read_all()
    assert whole["close"].to_pylist() == [bar["close"] for bar in bars]
    assert b"SIMULATED" in whole.schema.metadata[b"label"]


def test_too_many_bars_at_once_are_refused(client: Any, workspace: Workspace) -> None:
    workspace.settings.__dict__["max_api_bars"] = 100
    answer = client.get("/api/bars", params={"instrument": "SIM:WAVE"})
    assert answer.status_code == 400
    assert "more than 100 bars" in answer.json()["error"]["message"]
    assert client.get("/api/bars", params={"instrument": "SIM:WAVE", "to": "2022-03-01"}).status_code == 200


def test_the_calendar_and_the_costs_answer(client: Any) -> None:
    sessions = client.get("/api/calendar", params={"from": "2022-01-24", "to": "2022-01-30"}).json()["sessions"]
    assert [session["date"] for session in sessions] == ["2022-01-24", "2022-01-25", "2022-01-27", "2022-01-28"]
    costs = client.get("/api/costs", params={"on": "2026-02-27", "segment": "equity_intraday", "side": "sell", "mode": "exact"}).json()
    assert costs["total"]["stt"] == 25.0


def test_a_brokers_bill_is_reconciled_from_its_text(client: Any) -> None:
    text = "symbol,trade_date,exchange,trade_type,quantity,price,STT\nINFY,2026-10-05,NSE,buy,1000,1000,1250"
    document = client.post("/api/reconcile", json={"text": text, "name": "note.csv"}).json()
    assert (document["file"], document["differing"], document["out_of_date"][0]["implied_rate"]) == ("note.csv", 1, "0.125")
    refused = client.post("/api/reconcile", json={"text": "<html>"})
    assert refused.status_code == 400
    assert "web page" in refused.json()["error"]["message"]
    assert client.post("/api/reconcile", json={"text": text, "file": "/etc/passwd"}).status_code == 400


def test_a_backtest_is_run_listed_read_and_replayed(client: Any) -> None:
    document = client.post("/api/backtests", json=RUN).json()
    assert document["simulated"] is True
    assert document["data"]["from"] == "2022-01-03"
    run_id = document["run_id"]
    assert [run["run_id"] for run in client.get("/api/runs").json()] == [run_id]
    assert client.get(f"/api/runs/{run_id}").json() == document
    equity = client.get(f"/api/runs/{run_id}", params={"equity": True}).json()["equity"]
    assert len(equity) == document["data"]["bars"]
    assert client.post(f"/api/runs/{run_id}/replay").json()["identical"] is True


def test_protections_and_limits_are_taken_as_numbers_or_texts(client: Any) -> None:
    settings = client.post("/api/backtests", json={**RUN, "stop_loss": 0.05, "max_drawdown": "0.2", "ticks": False}).json()["settings"]
    assert (settings["stop_loss"], settings["max_drawdown"], settings["ticks"]) == ("0.05", "0.2", False)


def test_the_strategies_are_those_of_the_catalogue(client: Any, workspace: Workspace) -> None:
    workspace.settings.strategies_folder.mkdir()
    (workspace.settings.strategies_folder / "broken.py").write_text("(")
    entries = {entry["id"]: entry for entry in client.get("/api/strategies").json()}
    assert entries["ema_cross"]["params"]["fast"]["kind"] == "int"
    assert [entries[name]["form"] for name in ("ema_cross", "ma_cross", "momentum_rotation")] == ["rule", "targets", "matrix"]
    assert entries["broken"]["error"]["kind"] == "PluginError"
    assert entries["broken"]["form"] is None
    answer = client.post("/api/backtests", json={**RUN, "strategy": "broken", "params": {}})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "arguments", "status", "kind"),
    [
        pytest.param("GET", "/api/bars", {"params": {"instrument": "NSE:NOSUCH"}}, 404, "UnknownInstrument", id="unknown instrument"),
        pytest.param("GET", "/api/bars", {"params": {"instrument": "WAVE"}}, 400, "BadParameter", id="no instrument"),
        pytest.param("GET", "/api/bars", {}, 400, "BadParameter", id="nothing named"),
        pytest.param("GET", "/api/bars", {"params": {"instrument": "SIM:WAVE", "colour": "red"}}, 400, "BadParameter", id="unknown field"),
        pytest.param(
            "GET",
            "/api/bars",
            {"params": {"instrument": "SIM:WAVE", "from": "1990-01-01", "to": "1990-02-01"}},
            404,
            "EmptySpan",
            id="empty",
        ),
        pytest.param("GET", "/api/calendar", {"params": {"exchange": "MOON"}}, 400, "BadParameter", id="no such exchange"),
        pytest.param("GET", "/api/costs", {"params": {"file": "/etc/passwd"}}, 400, "BadParameter", id="no files"),
        pytest.param("GET", "/api/runs/nosuch", {}, 404, "UnknownRun", id="unknown run"),
        pytest.param("GET", "/api/runs/..%2F..%2Fetc", {}, 404, "HttpError", id="no way out of the folder"),
        pytest.param("POST", "/api/backtests", {"json": {**RUN, "strategy": "nosuch"}}, 404, "UnknownStrategy", id="unknown strategy"),
        pytest.param("POST", "/api/backtests", {"json": {**RUN, "strategy": "/etc/passwd"}}, 404, "UnknownStrategy", id="no paths"),
        pytest.param(
            "POST", "/api/backtests", {"json": {**RUN, "params": {"fast": 30, "slow": 20}}}, 400, "BadParameter", id="fast and slow"
        ),
        pytest.param("POST", "/api/backtests", {"json": {**RUN, "stop_loss": 5}}, 400, "BadParameter", id="stop-loss in per cent"),
        pytest.param("POST", "/api/backtests", {"json": {**RUN, "fill_interval": "1w"}}, 400, "BadParameter", id="longer bars to fill on"),
        pytest.param("POST", "/api/backtests", {"json": {**RUN, "product": "NRML"}}, 400, "BadParameter", id="a share under NRML"),
        pytest.param("POST", "/api/backtests", {"json": {}}, 400, "BadParameter", id="empty body"),
        pytest.param("POST", "/api/backtests", {"content": b"{"}, 400, "BadParameter", id="no JSON"),
        pytest.param("POST", "/api/import", {"json": {}}, 404, "HttpError", id="no import"),
        pytest.param("DELETE", "/api/runs", {}, 405, "HttpError", id="no such method"),
    ],
)
def test_an_error_is_a_document_with_its_status(
    client: Any, method: str, path: str, arguments: dict[str, Any], *, status: int, kind: str
) -> None:
    answer = client.request(method, path, **arguments)
    assert answer.status_code == status
    assert answer.json()["error"]["kind"] == kind
    assert answer.json()["error"]["message"]


def test_corporate_actions_are_listed_confirmed_and_rejected(client: Any) -> None:
    name = "NSE:ACME/2022-01-17/bonus"
    confirmed = client.post("/api/actions/confirm", json={"id": name, "ratio": "1:1"}).json()
    assert (confirmed["state"], confirmed["factor"]) == ("confirmed", 0.5)
    assert [one["id"] for one in client.get("/api/actions", params={"instruments": "NSE:ACME"}).json()] == [name]
    assert client.post("/api/actions/suspect", json={}).json() == []
    assert client.post("/api/actions/reject", json={"id": name}).json()["state"] == "rejected"
    assert client.get("/api/actions", params={"state": "confirmed"}).json() == []
    assert client.post("/api/actions/confirm", json={"id": "NSE:ACME/2022-01-18/split"}).status_code in {400, 404}


def test_instruments_are_found_and_lists_are_kept(client: Any) -> None:
    assert [hit["instrument"] for hit in client.get("/api/instruments", params={"text": "wav"}).json()] == ["SIM:WAVE"]
    unknown = client.get("/api/instruments/show", params={"instrument": "NSE:NONE"})
    assert (unknown.status_code, unknown.json()["error"]["kind"]) == (400, "NotListed")
    assert client.get("/api/instruments/expiries", params={"underlying": "NIFTY"}).status_code == 400
    assert client.get("/api/instruments/chain", params={"underlying": "NIFTY"}).status_code == 400
    made = client.post("/api/watchlists/add", json={"name": "mine", "instruments": ["SIM:WAVE", "NSE:A"]}).json()
    assert made["instruments"] == ["SIM:WAVE", "NSE:A"]
    left = client.post("/api/watchlists/remove", json={"name": "MINE", "instruments": ["NSE:A"]}).json()
    assert client.get("/api/watchlists").json() == [left]
    assert client.get("/api/indices").json() == []
    assert client.get("/api/indices/NIFTY50").json()["error"]["kind"] == "BadParameter"


def test_coverage_and_quality_are_asked_for_by_query(client: Any) -> None:
    document = client.get("/api/coverage", params={"interval": "1d"}).json()
    assert document["series"][0]["instrument"] == "SIM:WAVE"
    assert document["series"][0]["counts"]["missing"] == 0
    (one,) = client.get("/api/coverage", params={"instrument": "SIM:WAVE", "from": "2022-01-24", "to": "2022-01-28"}).json()["days"][:1]
    assert [day["state"] for day in one if day["state"] == "holiday"] == ["holiday"]
    judged = client.get("/api/quality", params={"instruments": "SIM:WAVE"}).json()
    assert judged["series"][0]["score"] == 100.0
    assert client.get("/api/quality", params={"instruments": "SIM:NOSUCH"}).status_code == 404


def test_futures_are_joined_within_the_limit_of_bars(client: Any, workspace: Workspace, future_bars: Bars) -> None:
    key = SeriesKey(instrument=future_bars.instrument, interval=future_bars.interval)
    workspace.store.upsert([SeriesBars(key=key, bars=future_bars)], Provenance(source="test"), at=workspace.clock.now())
    document = client.get("/api/continuous", params={"underlying": "NFO:NIFTY", "roll": "days:2"}).json()
    assert {bar["contract"] for bar in document["bars"]} == {"NFO:NIFTY26JANFUT"}
    workspace.settings.__dict__["max_api_bars"] = 2
    refused = client.get("/api/continuous", params={"underlying": "NFO:NIFTY"})
    assert (refused.status_code, "more than 2 bars" in refused.json()["error"]["message"]) == (400, True)


@pytest.fixture
def future_bars() -> Bars:
    """Return three days of a future."""
    price = np.array([100.0, 101.0, 102.0])
    days = [date(2026, 1, day) for day in (5, 6, 7)]
    return Bars(
        instrument=InstrumentId("NFO:NIFTY26JANFUT"),
        interval=Interval.DAY,
        ts=np.array([micros_of(daily_stamp(Exchange.NFO, day)) for day in days], np.int64),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=price,
        oi=price,
    )
