from __future__ import annotations

from collections import Counter

from qts.data.sources.simulation.cast import CAST, SPLIT_SYMBOL


def test_names_are_given_once_and_every_sector_has_company() -> None:
    assert len({role.symbol for role in CAST}) == len({role.name for role in CAST}) == len(CAST)
    assert min(Counter(role.sector for role in CAST).values()) >= 2
    assert SPLIT_SYMBOL in {role.symbol for role in CAST}
