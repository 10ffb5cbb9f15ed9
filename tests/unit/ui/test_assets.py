from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from qts.ui.assets import CANDLES, ICON, asset, asset_route


def fetched(path: str, encoding: str = "gzip") -> httpx.Response:
    async def fetching() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=[asset_route()]))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path, headers={"accept-encoding": encoding})

    return asyncio.run(fetching())


def test_an_asset_is_served_for_ever_and_packed() -> None:
    found = asset(CANDLES)
    assert found is not None
    response = fetched(found.address)
    assert response.content == CANDLES.read_bytes()
    assert response.headers["content-encoding"] == "gzip"
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["content-type"].startswith("text/javascript")
    assert gzip.decompress(found.packed) == found.body


def test_who_cannot_unpack_gets_it_plain() -> None:
    found = asset(CANDLES)
    assert found is not None
    response = fetched(found.address, "identity")
    assert "content-encoding" not in response.headers
    assert response.content == CANDLES.read_bytes()


@pytest.mark.parametrize("name", ["candles.js", "0000000000000000-candles.js", "..%2f..%2fasgi.py", "icon.svg"])
def test_nothing_else_is_served(name: str) -> None:
    assert fetched(f"/assets/{name}").status_code == 404


def test_a_file_that_set_up_did_not_bring_is_none(tmp_path: Path) -> None:
    assert asset(tmp_path / "absent.mjs") is None


def test_the_icon_is_there() -> None:
    assert ICON.read_text(encoding="utf-8").startswith("<svg")
