"""Where all state is kept, for commands that read nothing else of the settings and start without them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_NAME: Final = "QTS_HOME"
# How a backup is laid out: the content of a home, and beside it what the backup says of itself.
BACKUP_CONTENT: Final = "home"
BACKUP_DOCUMENT: Final = "backup.json"


def default_home() -> Path:
    """Return the folder that holds all state when nobody names one: the platform's user data folder."""
    import platformdirs  # noqa: PLC0415 - only where nobody names a folder

    return Path(platformdirs.user_data_dir("qts", appauthor=False))


def default_key_file() -> Path:
    """Return the file of the key that opens secrets: in the platform's folder for configuration, apart from the data."""
    import platformdirs  # noqa: PLC0415 - see above

    return Path(platformdirs.user_config_dir("qts", appauthor=False)) / "secret.key"


def home_folder(named: Path | None = None) -> Path:
    """Return the home folder as the settings find it: the one named, else that of the environment, else the default."""
    # The settings take the name in any case, too.
    of_environment = next((value for name, value in os.environ.items() if name.upper() == _NAME), None)
    if named is None and of_environment is None:
        return default_home()
    return Path(named or of_environment or "").expanduser()


def backup_around(folder: Path) -> Path | None:
    """Return the backup that a folder is, or is the content of; None where it has nothing to do with one."""
    place = Path(os.path.realpath(folder))  # resolve() raises where links run in a circle
    candidates = (place, place.parent) if place.name == BACKUP_CONTENT else (place,)
    return next((one for one in candidates if is_backup(one)), None)


def is_backup(folder: Path) -> bool:
    """Return whether a folder is laid out as a backup."""
    return (folder / BACKUP_DOCUMENT).is_file() and (folder / BACKUP_CONTENT).is_dir()
