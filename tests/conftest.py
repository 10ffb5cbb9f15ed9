"""What every test may use: the real data, a home of its own, a browser; and what no test may do: reach the network."""

from __future__ import annotations

import functools
import gc
import itertools
import json
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coverage
import hypothesis
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser  # only the browser tests pay for this import

REPOSITORY = Path(__file__).resolve().parents[1]
MAIN = sys.modules["__main__"]
KEPT_SETTINGS = ("QTS_REALDATA", "QTS_REQUIRE_REALDATA", "QTS_REQUIRE_BROWSER", "QTS_CHROMIUM")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

# New objects between two looks for garbage in circles: at Python's 700 those looks took a fifth of the tests' time, for hypothesis
# watches each.
NEW_OBJECTS = 20_000
N_COUNTED = 10
N_SIGNATURES = {"fills_nb": 0, "orders_nb": 0}


def pytest_configure() -> None:
    """Look for garbage in circles less often."""
    gc.set_threshold(NEW_OBJECTS, 20, 50)


def pytest_collection_finish() -> None:
    """Spare what stays to the end, as the tests themselves, from every later look for garbage."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let Python clear all away at its end: extension modules complain of what is left."""
    gc.unfreeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Count the lines of a law's first examples only: counting takes twice the time of the test itself, and the rest reach the same."""
    measured, law = coverage.Coverage.current(), getattr(getattr(item, "obj", None), "hypothesis", None)
    if measured is None or law is None:
        return (yield)
    test, examples = law.inner_test, itertools.count()

    @functools.wraps(test)
    def counted(*args: Any, **kwargs: Any) -> Any:
        if next(examples) == N_COUNTED:
            measured.stop()
        return test(*args, **kwargs)

    law.inner_test = counted
    try:
        return (yield)
    finally:
        law.inner_test = test
        if next(examples) > N_COUNTED:
            measured.start()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Fail the test that hands a compiled loop arrays of another type than the engine does: each such type takes a minute to compile."""
    compiled = sys.modules.get("qts.kernels.compiled")
    for name in N_SIGNATURES if compiled is not None else ():
        signatures = getattr(compiled, name).signatures
        if len(signatures) > N_SIGNATURES[name]:
            N_SIGNATURES[name] = len(signatures)
            _require_known_type(name, signatures[-1][0])


def _require_known_type(name: str, given: Any) -> None:
    import numba  # noqa: PLC0415 - it is there already where this is called

    from qts.kernels.compile import sample_run  # noqa: PLC0415 - needs the compiler

    type_of: Callable[[object], Any] = numba.typeof
    known = type_of(sample_run())
    other = [column for column, one, two in zip(known.fields, known.types, given.types, strict=True) if one != two]
    assert not other, f"{name} was compiled for another type of {', '.join(other)}; prices, quantities and volumes are float64"


class NetworkReached(AssertionError):
    """A test tried to leave this machine."""


def _is_local(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a path: a Unix socket
    host = str(address[0])
    return host in {"localhost", "", "::1", "0.0.0.0"} or host.startswith("127.")  # noqa: S104 - compared, not bound


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """Take back the main module after each test: a page that is tried puts its own in the place, and processes begun later would run it."""
    sys.modules["__main__"] = MAIN
    yield
    sys.modules["__main__"] = MAIN


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Refuse every connection and look-up outside loopback, with the address in the message."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def checked_connect(self: socket.socket, address: Any) -> None:
        if not _is_local(address):
            raise NetworkReached(f"a test tried to connect to {address!r}")
        connect(self, address)

    def checked_connect_ex(self: socket.socket, address: Any) -> int:
        if not _is_local(address):
            raise NetworkReached(f"a test tried to connect to {address!r}")
        return connect_ex(self, address)

    def checked_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and not _is_local((name,)):
            raise NetworkReached(f"a test tried to look up {name!r}")
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", checked_connect)
        patch.setattr(socket.socket, "connect_ex", checked_connect_ex)
        patch.setattr(socket, "getaddrinfo", checked_getaddrinfo)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the developer's settings and home out of the tests, and the tests out of that home; child processes inherit both."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("QTS_", "STREAMLIT_", "KITE_")) and name not in KEPT_SETTINGS:
                patch.delenv(name)
        home = tmp_path_factory.mktemp("user")
        patch.setenv("HOME", str(home))
        for name, folder in (
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
        ):
            patch.setenv(name, str(home / folder))
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty QTS_HOME, also set in the environment."""
    folder = tmp_path / "qts-home"
    folder.mkdir()
    monkeypatch.setenv("QTS_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Return the folder of real market data; skip where there is none, fail if it is required."""
    folder = Path(os.environ.get("QTS_REALDATA") or REPOSITORY.parent / "shared" / "data")
    if (folder / "README.md").is_file():
        return folder
    reason = f"the real market data is not at {folder}; QTS_REALDATA names its folder"
    if os.environ.get("QTS_REQUIRE_REALDATA") == "1":
        pytest.fail(f"QTS_REQUIRE_REALDATA=1, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Return the path of a Chromium; skip where there is none, fail if it is required."""
    named = os.environ.get("QTS_CHROMIUM")
    found = named or next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    if found is not None:
        return Path(found)
    reason = "there is no Chromium here; QTS_CHROMIUM names one, or: apt-get install chromium"
    if os.environ.get("QTS_REQUIRE_BROWSER") == "1":
        pytest.fail(f"QTS_REQUIRE_BROWSER=1, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """Return a headless browser, closed after the module (an open one occupies this thread's event loop)."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - 0.3 s that only browser tests pay

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(chromium), args=list(CHROMIUM_SWITCHES))
        yield opened
        opened.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Return the one JSON document on stdout."""
        return json.loads(self.out)


@pytest.fixture
def qts(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Return what runs a command line inside this process."""
    from qts.cli.main import main  # noqa: PLC0415 - only its tests pay for this import

    def run(*words: object) -> Done:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Done(code=code, out=captured.out, err=captured.err)

    return run


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Return what serves a simulated exchange on a free port of this machine, and gives its ``host:port``."""
    import uvicorn  # noqa: PLC0415 - only the tests of the exchange and of its clients pay for these imports

    from qts.sandbox import create_sandbox  # noqa: PLC0415

    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(sandbox: Any) -> str:
        config = uvicorn.Config(create_sandbox(sandbox), port=0, log_level="critical", timeout_graceful_shutdown=1, date_header=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        end = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < end, "the server does not start"
            time.sleep(0.005)
        return f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(10)
