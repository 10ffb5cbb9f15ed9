from __future__ import annotations

from qts.ui.page import HOME, pages


def test_the_pages_are_found_in_the_order_of_the_menu() -> None:
    found = pages()
    assert list(found) == [HOME, "strategies", "backtest", "view"]
    assert len({page.order for page in found.values()}) == len(found)


def test_every_page_has_an_icon_and_says_what_it_is_for() -> None:
    for page in pages().values():
        assert page.icon.startswith(":material/")
        assert 20 < len(page.help) < 200
