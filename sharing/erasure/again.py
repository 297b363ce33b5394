"""After a restore: whoever was erased in the life that was lost is erased again, before anything
is sent.
"""

from accounts import erasure_list, erasures
from accounts.erasure_list import ErasureListError, Line
from accounts.models import Athlete, Erasure
from audit.log import Log
from sharing.erasure import asking, finishing


def lacking() -> list[Erasure]:
    """Erasures that this database knows of and the list does not: it is not the whole list."""
    listed = erasure_list.read()
    return [row for row in Erasure.objects.all() if row.athlete_id not in listed]


def check() -> None:
    """Raises ErasureListError when the list is gone, or is not the newest one."""
    if missing := len(lacking()):
        raise ErasureListError(
            f"The list of erasures lacks {missing} that this database knows of: "
            f"{erasure_list.path()}. Put the newest list back there, or name its place in "
            "BATON_ERASURES_FILE. If it is lost for good, run this with --erasures-lost: whoever "
            "was erased after the backup must then be erased by hand."
        )


def concerned() -> list[Line]:
    """Those in the list whose erasure this database does not know, or not as done."""
    known = dict(Erasure.objects.values_list("athlete_id", "state"))
    listed = erasure_list.read().values()
    return [
        line for line in listed if known.get(line.athlete) not in {Erasure.State.DONE, line.what}
    ]


def replay(log: Log) -> int:
    """Erase again whoever is in the list; how many. Part of the transaction that begins a life."""
    lines = concerned()
    for line in lines:
        _replay(line, log)
    return len(lines)


def write_anew() -> None:
    """The list is lost: begin another one with what this database knows."""
    for row in lacking():
        erasures.note_outside(row)


def _replay(line: Line, log: Log) -> None:
    """What was done then is done now; what had only been asked for goes its way."""
    athlete = Athlete.objects.filter(pk=line.athlete).first()
    if athlete is None:
        erasures.known_again(line, log)
        return
    erasure = asking.ask(athlete)
    if line.done:
        finishing.finish(erasure, at_once=True)
