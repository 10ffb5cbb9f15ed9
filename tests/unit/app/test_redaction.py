from __future__ import annotations

import pytest

from qts.app.redaction import secret_settings, without_secrets
from qts.app.settings import Settings

NAMES = ("api_secret", "token")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("port = 9000\n", "port = 9000\n", id="no secrets"),
        pytest.param("port = 9000\ntoken = 'abc'\n# mine\n", "port = 9000\n# mine\n", id="a secret among settings"),
        pytest.param("'token'='abc'\n\"api_secret\" = \"x\"\nsize = 'lots:1'\n", "size = 'lots:1'\n", id="names in quotes"),
        pytest.param('token = """a\nb"""\nport = 9000\n', None, id="a secret of several lines"),
        pytest.param("port = \n", None, id="no TOML"),
        pytest.param("[other]\ntoken = 'abc'\n", "[other]\ntoken = 'abc'\n", id="another table's name"),
    ],
)
def test_settings_are_copied_without_secrets_or_not_at_all(text: str, expected: str | None) -> None:
    assert without_secrets(text, NAMES) == expected


def test_the_secret_settings_are_those_that_never_show_their_value() -> None:
    hidden = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert secret_settings() == hidden
