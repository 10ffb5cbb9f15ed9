from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

# How many different colours the canvases of the chart show: an empty one has very few.
COLOURS = """root => {
  const seen = new Set()
  for (const canvas of root.querySelectorAll("canvas")) {
    if (!canvas.width || !canvas.height) continue
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2])
  }
  return seen.size
}"""
BACKGROUND = "element => getComputedStyle(element).backgroundColor"


def plot_of(page: Any) -> Any:
    plot = page.locator(".qts-candles .plot")
    plot.locator("canvas").first.wait_for(timeout=30_000)
    page.wait_for_function("document.readyState === 'complete'")
    return plot


def legend_of(page: Any) -> str:
    legend = page.locator(".qts-candles .legend")
    legend.locator("span").first.wait_for(timeout=30_000)
    return str(legend.inner_text())


def test_candles_are_drawn_with_their_legend_in_indian_digits(service: Any, watch: Any) -> None:
    page = watch().open(f"{service.url}/view?instrument={service.instrument}&range=Max&ind=ema:20&ind=rsi:14")
    plot = plot_of(page)
    page.wait_for_timeout(500)
    assert plot.evaluate(COLOURS) > 10
    assert plot.get_attribute("role") == "img"
    assert service.instrument in plot.get_attribute("aria-label")
    legend = legend_of(page)
    assert legend.startswith(f"{service.instrument} 1d")
    assert "2026-11-" in legend
    assert "EMA 20" in legend
    assert "RSI 14" in legend


def test_the_keyboard_moves_the_chart(service: Any, watch: Any) -> None:
    page = watch().open(f"{service.url}/view?instrument={service.instrument}&range=Max")
    plot = plot_of(page)
    page.wait_for_timeout(500)
    before = plot.screenshot()
    plot.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(500)
    assert plot.screenshot() != before


def test_opening_an_address_again_shows_the_same(service: Any, watch: Any) -> None:
    watched = watch()
    page = watched.open(f"{service.url}/backtest?run={service.run}&tab=Costs")
    page.get_by_test_id("stDataFrame").wait_for()
    before = page.locator("[data-testid=stMetricValue]").all_inner_texts()
    page.reload()
    watched.settle()
    page.get_by_test_id("stDataFrame").wait_for()
    assert page.locator("[data-testid=stMetricValue]").all_inner_texts() == before
    assert len(before) == 8
    assert f"run={service.run}" in page.url
    assert "tab=Costs" in page.url


def test_a_run_from_the_form_ends_on_its_result(service: Any, watch: Any) -> None:
    page = watch().open(f"{service.url}/strategies?instruments={service.instrument}&ema_cross.fast=9&ema_cross.slow=33")
    page.get_by_role("button", name="Run the backtest").wait_for()
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/backtest?*run=*", timeout=30_000)
    page.get_by_text("fast 9", exact=False).first.wait_for()
    page.locator("[data-testid=stMetricValue]").nth(7).wait_for()


def test_changing_a_run_fills_the_form_as_it_was(service: Any, watch: Any) -> None:
    page = watch().open(f"{service.url}/backtest?run={service.run}")
    page.get_by_role("link", name="Change and run again").click()
    page.wait_for_url("**/strategies?*", timeout=30_000)
    page.get_by_role("button", name="Run the backtest").wait_for()
    assert page.get_by_role("spinbutton", name="Fast").input_value() == "12"
    assert page.get_by_text(service.instrument).first.is_visible()
    page.get_by_role("button", name="Run the backtest").click()
    page.wait_for_url(f"**/backtest?*run={service.run}*", timeout=30_000)


def test_a_click_on_a_trade_moves_the_chart(service: Any, watch: Any) -> None:
    page = watch().open(f"{service.url}/backtest?run={service.run}&tab=Chart")
    plot = plot_of(page)
    page.wait_for_timeout(500)
    before = legend_of(page)
    table = page.get_by_test_id("stDataFrame").last
    table.scroll_into_view_if_needed()
    table.click(position={"x": 15, "y": 52})
    page.wait_for_url("**trade=1*", timeout=30_000)
    page.wait_for_timeout(1000)
    assert legend_of(page) != before
    assert plot.evaluate(COLOURS) > 10


@pytest.mark.parametrize(
    ("scheme", "width", "colour"),
    [
        pytest.param("light", 400, "rgb(255, 255, 255)", id="light, on a phone"),
        pytest.param("dark", 1440, "rgb(16, 20, 28)", id="dark, on a desk"),
    ],
)
def test_each_page_follows_the_theme_and_fits_the_screen(service: Any, watch: Any, *, scheme: str, width: int, colour: str) -> None:
    watched = watch(scheme, width)
    for path in ("/", "/strategies", f"/backtest?run={service.run}", "/view"):
        page = watched.open(f"{service.url}{path}")
        assert page.get_by_test_id("stApp").evaluate(BACKGROUND) == colour
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.get_by_test_id("stException").count() == 0


def test_no_secret_of_the_service_comes_to_the_browser(service: Any, watch: Any) -> None:
    watched, seen = watch(), []

    def keep(frame: Any) -> None:
        seen.append(frame.encode() if isinstance(frame, str) else frame)

    watched.page.on("websocket", lambda socket: socket.on("framereceived", keep))
    runs = [f"/backtest?run={service.run}&tab={tab}" for tab in ("Trades", "Details")]
    for path in ("/", "/strategies", "/view", "/backtest?run=nosuch", *runs):
        n_before = len(seen)
        page = watched.open(f"{service.url}{path}")
        assert len(seen) > n_before
        seen.append(page.content().encode())
    status = page.request.get(f"{service.url}/api/broker/kite/status").body()
    assert b"logged_in" in status
    seen += [status, page.request.get(f"{service.url}/api/jobs").body(), page.request.get(f"{service.url}/api/nosuch").body()]
    assert any(service.instrument.encode() in each for each in seen)
    assert [each for each in seen if b"canary" in each] == []
