from __future__ import annotations

import inspect

import pytest

from qts.api.statuses import status_of
from qts.core import errors
from qts.core.errors import QtsError

EXPECTED = {
    "UnknownInstrument": 404,
    "UnknownRun": 404,
    "EmptySpan": 404,
    "BadParameter": 400,
    "PluginError": 422,
    "StrategyFailed": 422,
    "DamagedFile": 422,
    "StoreFull": 507,
    "SourceError": 502,
    "CheckFailed": 409,
    "OrderRejected": 409,
    "QtsError": 500,
}


@pytest.mark.parametrize(("name", "status"), EXPECTED.items())
def test_an_error_is_answered_with_its_status(name: str, status: int) -> None:
    kind = getattr(errors, name)
    assert status_of(kind.__new__(kind)) == status


def test_every_error_of_ours_has_a_status_of_its_own() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, QtsError) and kind is not QtsError]
    assert [kind.__name__ for kind in kinds if status_of(kind.__new__(kind)) == 500] == []
    assert status_of(None) == 500
