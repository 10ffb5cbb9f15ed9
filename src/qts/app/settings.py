"""What a person may set: one class, from arguments, the environment, ``qts.toml`` and defaults, in this order."""

from __future__ import annotations

import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError, TomlConfigSettingsSource

from qts.app.home import backup_around, default_home, default_key_file
from qts.core.errors import BadFile, BadParameter, BadPath, InputError

TOML_NAME = "qts.toml"
# Stands in a home while a backup is being copied into it.
UNFINISHED_RESTORE: Final = ".restore-unfinished"
# Of the broker; the adapter is not imported for the sake of two addresses.
KITE_ROOT: Final = "https://api.kite.trade"
SANDBOX_ROOT: Final = "http://127.0.0.1:8511"
KITE_LOGIN: Final = "https://kite.zerodha.com/connect/login"
_UNITS: Final = {"": 1, "MB": 10**6, "GB": 10**9, "MiB": 2**20, "GiB": 2**30}


class Settings(BaseSettings):
    """All settings. The environment spells a field ``QTS_<FIELD>``; ``qts.toml`` in the home folder spells it as here."""

    model_config = SettingsConfigDict(env_prefix="QTS_", extra="forbid", frozen=True)

    home: Path = Field(default_factory=default_home, description="Folder that holds all state: data, runs, strategies, logs.")
    host: str = Field(default="127.0.0.1", description="Address the web server listens on.")
    port: int = Field(default=8501, ge=1, le=65535, description="Port the web server listens on.")
    allowed_hosts: tuple[str, ...] = Field(default=(), description="Further host names under which the web server may be asked.")
    capital: Decimal = Field(default=Decimal(1_000_000), gt=0, description="Rupees a backtest starts with.")
    product: Literal["CNC", "MIS", "NRML"] = Field(
        default="CNC", description="Product of a backtest's orders: delivery, intraday, or futures and options that are held."
    )
    size: str = Field(
        default="percent:0.95",
        description="Sizing of a backtest's orders: shares:N, lots:N, cash:RUPEES, percent:FRACTION, atr-risk:FRACTION or "
        "vol-target:FRACTION.",
    )
    costs: str = Field(
        default="zerodha",
        description="Cost model of a backtest: zerodha, zerodha,square-off-fee, none, percent:FRACTION or per-share:RUPEES,min=RUPEES.",
    )
    slippage: str = Field(
        default="bps:2",
        description="Slippage of a backtest's fills: none, bps:N, ticks:N, half-spread:RUPEES or volume-share:FRACTION.",
    )
    fill: Literal["next_open", "close"] = Field(
        default="next_open", description="When a decision fills: at the next open, or at its own close."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least severe event that is logged.")
    query_seconds: float = Field(default=30.0, gt=0, le=3600, description="After how many seconds a query in SQL is stopped.")
    query_memory: str = Field(
        default="1GB", pattern=r"^[1-9][0-9]* ?(MB|GB|MiB|GiB)$", description="How much memory a query in SQL may use, such as 1GB."
    )
    keep_free: str = Field(
        default="1GiB",
        pattern=r"^(0|[1-9][0-9]* ?(MB|GB|MiB|GiB))$",
        description="Room on the disk that imports leave free, such as 1GiB, but never more than 5 % of the disk; 0 leaves none.",
    )
    cache_size: str = Field(
        default="4GiB",
        pattern=r"^(0|[1-9][0-9]* ?(MB|GB|MiB|GiB))$",
        description="Room that copies of bars for backtests may take in the folder cache/bars, such as 4GiB; 0 keeps none.",
    )
    inbox: Path | None = Field(
        default=None,
        description="Folder that `qts ingest --source files` takes price files from, below the home folder unless it begins with a slash; "
        "`inbox` there when absent.",
    )
    steps_kept_days: int = Field(
        default=7,
        ge=0,
        le=3650,
        description="How many days a worker keeps the single steps of jobs that have ended; what came of them stays.",
    )
    max_api_bars: int = Field(default=200_000, ge=1, description="Most bars that one API answer may hold.")

    kite_api_key: SecretStr | None = Field(
        default=None, validation_alias="kite_api_key", description="Key of your application at Kite Connect."
    )
    kite_api_secret: SecretStr | None = Field(default=None, validation_alias="kite_api_secret", description="Its secret.")
    kite_access_token: SecretStr | None = Field(
        default=None, validation_alias="kite_access_token", description="A token of today's session, where another program logs in."
    )
    kite_root: str = Field(default=KITE_ROOT, description="Address of the broker's interface; that of `qts sandbox` to try things out.")
    sandbox_root: str = Field(default=SANDBOX_ROOT, description="Address of the simulated exchange, as `qts sandbox` prints it.")
    kite_login: str = Field(default=KITE_LOGIN, description="Address of the broker's login page.")
    yahoo_root: str = Field(default="", description="Address asked instead of Yahoo's servers, such as that of a relay of your own.")
    key_file: Path = Field(
        default_factory=default_key_file, description="File with the key that opens stored secrets; it must lie outside the home folder."
    )

    @field_validator("home")
    @classmethod
    def _whole_path(cls, home: Path) -> Path:
        return Path(os.path.abspath(home.expanduser()))  # noqa: PTH100 - resolve() would follow the user's links

    @model_validator(mode="after")
    def _key_apart(self) -> Self:
        if self.key_file.expanduser().absolute().is_relative_to(self.home):
            raise ValueError("key_file lies in the home folder, so that a copy of that would open every secret")
        return self

    @classmethod
    def settings_customise_sources(  # noqa: PLR0917 - the signature is pydantic's
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the home folder's ``qts.toml`` below the environment."""
        del dotenv_settings, file_secret_settings
        named = init_settings().get("home") or env_settings().get("home") or default_home()
        toml = TomlConfigSettingsSource(settings_cls, Path(str(named)).expanduser() / TOML_NAME)
        return init_settings, env_settings, toml

    @property
    def store_root(self) -> Path:
        """Return the folder of the bar store: the home itself, which holds ``data/`` and ``manifest.sqlite``."""
        return self.home

    @property
    def keep_free_bytes(self) -> int:
        """Return ``keep_free`` as a number."""
        return _bytes_of(self.keep_free)

    @property
    def cache_bytes(self) -> int:
        """Return ``cache_size`` as a number."""
        return _bytes_of(self.cache_size)

    @property
    def bar_cache_folder(self) -> Path:
        """Return the folder of copies of bars for backtests; it may be deleted at any time."""
        return self.home / "cache" / "bars"

    @property
    def inbox_folder(self) -> Path:
        """Return the watch folder, whose files are taken in and never changed."""
        return self.home / (Path("inbox") if self.inbox is None else self.inbox.expanduser())

    @property
    def runs_folder(self) -> Path:
        """Return the folder of stored runs."""
        return self.home / "data" / "runs"

    @property
    def strategies_folder(self) -> Path:
        """Return the folder of the user's own strategies."""
        return self.home / "strategies"

    @property
    def logs_folder(self) -> Path:
        """Return the folder of log files."""
        return self.home / "logs"

    @property
    def control_path(self) -> Path:
        """Return the file of the control database."""
        return self.home / "control.sqlite"


def _bytes_of(size: str) -> int:
    unit = size.lstrip("0123456789 ")
    return int(size.removesuffix(unit)) * _UNITS[unit]


def require_restored(home: Path) -> None:
    """Raise where a backup was to become this home, and only a part of it did.

    Raises
    ------
    BadPath
        If the mark of a restore under way is there.
    """
    if (home / UNFINISHED_RESTORE).exists():
        raise BadPath(str(home), "a restore into it was not finished", hint="Run the same `qts restore` again.")


def load_settings(**overrides: object) -> Settings:
    """Return the settings of this machine; arguments win over the environment, it over ``qts.toml``, it over defaults.

    Raises
    ------
    BadParameter
        If a value does not fit, or ``qts.toml`` has a key that is no setting.
    BadFile
        If ``qts.toml`` is not TOML.
    BadPath
        If the home folder may not be looked into, or is a backup.
    InputError
        If a list in the environment is not JSON.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = Settings(**given)  # type: ignore[arg-type]  # pydantic validates what a caller or the environment gave
        backup = backup_around(settings.home)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        variable = name.upper() if name.startswith("kite_") and name not in {"kite_root", "kite_login"} else f"QTS_{name.upper()}"
        hint = f"Correct it in {TOML_NAME}, in the environment variable {variable}, or on the command line."
        raise BadParameter(
            name, "" if "secret" in name or "token" in name else first.get("input"), first["msg"].rstrip("."), hint=hint
        ) from error
    except OSError as error:
        raise BadPath(str(error.filename or TOML_NAME), (error.strerror or "cannot be read").lower()) from error
    except SettingsError as error:
        hint = "Write lists as JSON, such as QTS_ALLOWED_HOSTS='[\"my-host\"]'."
        raise InputError(f"A setting cannot be read: {error}.", hint=hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadFile(TOML_NAME, f"is not valid TOML: {error}", hint="Correct the file or remove it.") from error
    if backup is not None:
        # Whoever opens a database may change its file, if only by a mark in its head: the backup would be a damaged one.
        hint = f"Look into it with `qts --home EMPTY_FOLDER restore {backup}`, or name your home with QTS_HOME or --home."
        raise BadPath(str(settings.home), "it is a backup, which using it as a home would spoil", hint=hint)
    return settings
