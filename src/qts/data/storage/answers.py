"""What the manifest answered, remembered until somebody commits, in this process or another."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:  # a database library is imported when a store is opened
    from qts.data.storage.commit_watch import Version
    from qts.data.storage.ledger import Ledger

Answer = TypeVar("Answer")
_MOST: Final = 65_536


class Asked(Protocol):
    """What is asked: a manifest."""

    def version(self) -> Version | None:
        """Return what changes with every commit, or None where it cannot be told."""
        ...

    def reading(self) -> AbstractContextManager[Ledger]:
        """Return one consistent view."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Answers of one version. Those found while somebody commits may be younger than it, and never older."""

    version: Version | None = None
    answers: dict[Hashable, Any] = field(default_factory=dict)


class Answers:
    """Questions to a manifest, each asked once for each of its versions. Threads may share it.

    No answer is older than its question: the version is looked up each time, and found before what is asked.
    """

    def __init__(self, manifest: Asked) -> None:
        self._manifest = manifest
        self._known = _Known()

    def ask(self, question: Hashable, find: Callable[[Ledger], Answer]) -> Answer:
        """Return the answer to a question, found in one transaction where it is not known.

        Parameters
        ----------
        question : Hashable
            What tells it from others.
        find : callable
            Returns the answer. Whoever asks shares it: it must not be changed.
        """
        version = self._manifest.version()
        known = self._known
        if version is None or known.version != version:
            known = self._known = _Known(version=version)
        if question in known.answers:
            answer: Answer = known.answers[question]
            return answer
        with self._manifest.reading() as ledger:
            answer = find(ledger)
        if len(known.answers) >= _MOST:
            known.answers.clear()
        if version is not None:
            known.answers[question] = answer
        return answer
