"""Whose turn is it? Users take turns, so that the fifty jobs of one do not keep the only one of another waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from qts.app.jobs.job_store import JobTicket

_NEVER: Final = ""


def next_turns(
    waiting: Sequence[JobTicket], at_work: Iterable[str], *, last_began: Mapping[str, str], at_once: int, per_user: int
) -> tuple[JobTicket, ...]:
    """Return which of the waiting jobs of a kind may begin now, in this order.

    Each place goes to the user with the fewest jobs at work, among those to the one whose last job began longest ago, and with him to
    his oldest job.

    Parameters
    ----------
    waiting : sequence of JobTicket
        The jobs, the oldest first.
    at_work : iterable of str
        The user of each job that is at work or about to be.
    last_began : Mapping of str to str
        When the last job of a user began, as a text that sorts; users without one are absent.
    at_once, per_user : int
        How many jobs may be at work in all, and of one user.
    """
    counts = Counter(at_work)
    queues: dict[str, list[JobTicket]] = {}
    for ticket in reversed(waiting):
        queues.setdefault(ticket.submitted_by, []).append(ticket)
    chosen: list[JobTicket] = []
    order = {user: (last_began.get(user, _NEVER), 0) for user in queues}
    while counts.total() < at_once:
        users = [user for user, queue in queues.items() if queue and counts[user] < per_user]
        if not users:
            break
        user = min(users, key=lambda user: (counts[user], order[user], user))
        chosen.append(queues[user].pop())
        counts[user] += 1
        # Later than whatever began before, in the order of these turns.
        order[user] = ("~", len(chosen))
    return tuple(chosen)
