from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qts.data.storage.answers import Answers
from qts.data.storage.ledger import Ledger
from qts.data.storage.manifest import Manifest


@contextmanager
def opened(folder: Path) -> Iterator[Manifest]:
    manifest = Manifest.open(folder / "manifest.sqlite")
    try:
        yield manifest
    finally:
        manifest.close()


def commit_something(manifest: Manifest, name: str) -> None:
    with manifest.writing() as ledger:
        ledger.connection.exec_driver_sql("INSERT INTO instrument (exchange, symbol) VALUES ('NSE', ?)", (name,))


class Counted:
    """A question that counts how often it had to be asked."""

    def __init__(self) -> None:
        self.n_asked = 0

    def __call__(self, ledger: Ledger) -> int:
        self.n_asked += 1
        return len(ledger.instruments())


def test_a_question_is_asked_once_until_somebody_commits(tmp_path: Path) -> None:
    with opened(tmp_path) as manifest, opened(tmp_path) as other:
        answers, find = Answers(manifest), Counted()
        assert [answers.ask("how many", find) for _ in range(3)] == [0, 0, 0]
        assert find.n_asked == 1
        for writer, n_held in ((manifest, 1), (other, 2)):
            commit_something(writer, f"NAME{n_held}")
            assert [answers.ask("how many", find) for _ in range(2)] == [n_held, n_held]
        assert find.n_asked == 3


def test_what_is_found_while_somebody_commits_is_not_kept_for_later(tmp_path: Path) -> None:
    with opened(tmp_path) as manifest, opened(tmp_path) as other:
        answers = Answers(manifest)

        def find(ledger: Ledger) -> int:
            held = len(ledger.instruments())
            commit_something(other, f"NAME{held}")
            return held

        assert [answers.ask("how many", find) for _ in range(4)] == [0, 1, 2, 3]


def test_a_question_that_fails_is_asked_again(tmp_path: Path) -> None:
    with opened(tmp_path) as manifest:
        answers, asked = Answers(manifest), list[int]()

        def find(ledger: Ledger) -> int:
            asked.append(1)
            return 1 // (len(asked) - 1) + len(ledger.instruments())

        with pytest.raises(ZeroDivisionError):
            answers.ask("how many", find)
        assert answers.ask("how many", find) == 1


def test_without_a_version_every_question_is_asked(tmp_path: Path) -> None:
    with opened(tmp_path) as manifest:

        class OnAServer:
            reading = manifest.reading

            def version(self) -> None:
                return None

        answers, find = Answers(OnAServer()), Counted()
        assert [answers.ask("how many", find) for _ in range(3)] == [0, 0, 0]
        assert find.n_asked == 3
