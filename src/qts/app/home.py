"""Where all state is kept, for commands that read nothing else of the settings and start without them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_NAME: Final = "QTS_HOME"


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
