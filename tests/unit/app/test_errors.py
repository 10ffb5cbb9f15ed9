from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from qts.app.errors import describe, foreseen
from qts.app.requests import BarsRequest
from qts.app.settings import Settings
from qts.core.errors import BadParameter, BadPath, PluginError, QtsError, StoreFull


def test_an_error_of_ours_is_its_own_document() -> None:
    document = describe(PluginError("a.py", "is broken", line=3))
    assert (document.kind, document.message, document.line) == ("PluginError", "a.py, line 3: is broken.", 3)
    assert document.hint
    assert document.error_id is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "full", "/x"), StoreFull),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), BadPath),
        (FileNotFoundError(errno.ENOENT, "No such file", "/x"), BadPath),
        (BadParameter("a", 1, "is odd"), BadParameter),
    ],
)
def test_errors_of_the_system_become_ours(error: Exception, kind: type[QtsError]) -> None:
    assert type(foreseen(error)) is kind


def test_a_refused_validation_names_the_field() -> None:
    with pytest.raises(ValueError, match="instrument") as caught:
        BarsRequest.model_validate({})
    found = foreseen(caught.value)
    assert isinstance(found, BadParameter)
    assert found.name == "instrument"


@pytest.mark.parametrize("error", [KeyError("x"), OSError("?"), PermissionError()])
def test_nobody_foresaw_these(error: Exception) -> None:
    assert foreseen(error) is None


def test_an_unexpected_error_goes_to_the_log_under_an_id(settings: Settings) -> None:
    document = describe(_raised(), settings)
    assert document.kind == "InternalError"
    assert "secret" not in document.message + document.hint
    log = settings.logs_folder / "qts.log"
    record = json.loads(log.read_text().splitlines()[-1])
    assert record["error_id"] == document.error_id
    assert "ZeroDivisionError: secret" in record["traceback"]
    assert document.log == str(log)
    assert log.stat().st_mode & 0o077 == 0


def test_a_log_that_cannot_be_written_hides_nothing_else(settings: Settings, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    document = describe(_raised(), settings.model_copy(update={"home": blocked}))
    assert document.error_id is not None
    assert document.log is None


def test_without_settings_the_id_is_given_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    document = describe(_raised())
    assert document.error_id is not None
    assert document.error_id in capsys.readouterr().out + document.message


def _raised() -> Exception:
    try:
        raise_secret()
    except ZeroDivisionError as error:
        return error
    raise AssertionError


def raise_secret() -> None:
    raise ZeroDivisionError("secret")
