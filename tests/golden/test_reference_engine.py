"""A second engine, slow and exact, written from the semantics in words and sharing no code with the first: they must agree.

``QTS_REFERENCE_RUNS=10000`` plays more cases than the gate does, ``QTS_REFERENCE_SEED=17`` the cases of one seed alone, and
``QTS_REFERENCE_KINDS=orders,contracts`` those kinds only.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.reference.cases import order_case, target_case
from tests.reference.core_run import compare
from tests.reference.real_cases import real_case
from tests.reference.rich_cases import (
    action_case,
    by_order_case,
    contract_case,
    delivery_case,
    delivery_order_case,
    guarded_order_case,
    managed_case,
    square_off_case,
)

KINDS = {
    "targets": target_case,
    "delivery-orders": delivery_order_case,
    "delivery": delivery_case,
    "orders": order_case,
    "guarded-orders": guarded_order_case,
    "managed": managed_case,
    "contracts": contract_case,
    "actions": action_case,
    "square-off": square_off_case,
    "by-order": by_order_case,
}
PLAYED = os.environ.get("QTS_REFERENCE_KINDS", "targets,orders,managed,contracts,actions,square-off,by-order").split(",")
RUNS = int(os.environ.get("QTS_REFERENCE_RUNS", "500")) // len(PLAYED)
SEED = os.environ.get("QTS_REFERENCE_SEED")
BLOCK = 50


def blocks() -> list[range]:
    """Return the seeds in blocks, so that several processes share them."""
    if SEED is not None:
        return [range(int(SEED), int(SEED) + 1)]
    return [range(first, min(first + BLOCK, RUNS)) for first in range(0, RUNS, BLOCK)]


@pytest.mark.parametrize("kind", PLAYED)
@pytest.mark.parametrize("seeds", blocks(), ids=lambda seeds: f"seeds {seeds.start} to {seeds.stop - 1}")
def test_both_engines_agree(kind: str, seeds: range) -> None:
    n_fills = 0
    for seed in seeds:
        case = KINDS[kind](seed)
        outcome, found = compare(case)
        replayed = f"replay it with QTS_REFERENCE_KINDS={kind} QTS_REFERENCE_SEED={seed}"
        assert not found, "\n  ".join([f"{case}; {replayed}", *found])
        n_fills += len(outcome.fills)
    assert n_fills > 3 * len(seeds) or SEED is not None


# Cases in which the engines once parted.
KNOWN = [
    pytest.param("orders", 1363, id="the children of a bracket stand in the queue from when it was handed in"),
    pytest.param("contracts", 1590, id="what a lost account closes says that risk closed it"),
]


@pytest.mark.parametrize(("kind", "seed"), KNOWN)
def test_both_engines_agree_where_they_once_did_not(kind: str, seed: int) -> None:
    outcome, found = compare(KINDS[kind](seed))
    assert (len(outcome.fills) > 0, found) == (True, [])


@pytest.mark.realdata
@pytest.mark.parametrize("seed", range(0, 2 * max(1, RUNS // 50), 2))
def test_both_engines_agree_on_real_bars(realdata: Path, seed: int) -> None:
    case = real_case(realdata, seed)
    outcome, found = compare(case)
    assert not found, "\n  ".join([str(case), *found])
    assert len(outcome.equity) >= 100
