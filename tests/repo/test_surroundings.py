"""The tests' own guards work: no network, no home and no settings of the person who runs them."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import platformdirs
import pytest


def test_a_connection_to_another_machine_is_refused_by_name() -> None:
    with socket.socket() as outside, pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        outside.connect(("192.0.2.1", 80))


def test_a_look_up_of_another_machine_is_refused_by_name() -> None:
    with pytest.raises(AssertionError, match=r"host\.invalid"):
        socket.create_connection(("host.invalid", 80))


def test_loopback_may_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_the_user_data_folder_is_a_temporary_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    assert Path(platformdirs.user_data_dir("qts")).is_relative_to(tmp_path_factory.getbasetemp())


def test_no_setting_of_the_caller_leaks_in() -> None:
    assert [
        name for name in os.environ if name.startswith("QTS_") and "REQUIRE" not in name and name not in {"QTS_REALDATA", "QTS_CHROMIUM"}
    ] == []


def test_a_home_of_its_own_is_empty_and_named_in_the_environment(home: Path) -> None:
    assert os.environ["QTS_HOME"] == str(home)
    assert list(home.iterdir()) == []
