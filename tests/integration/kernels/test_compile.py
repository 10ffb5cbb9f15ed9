from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import qts
from qts.kernels import INDICATORS


def test_set_up_may_name_the_folder_for_a_read_only_install(tmp_path: Path) -> None:
    package = tmp_path / "site" / "qts"
    shutil.copytree(Path(qts.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "ui", "api"))
    # A file where the folder would be: not even the superuser can write there.
    (package / "kernels" / "__pycache__").write_text("in the way")
    cache = tmp_path / "cache"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    # The large ones take a minute and are kept in the same way.
    command = [sys.executable, "-m", "qts.kernels.compile", "--only=indicators", str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=True)
    assert done.stdout.count("compiled ") == len(INDICATORS)
    assert len(list(cache.rglob("*.nbi"))) == len(INDICATORS)
