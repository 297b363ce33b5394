"""A disaster: a backup, more work, everything is lost, the backup is put back (F22)."""

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.harness.settling import await_polls
from tests.faults.harness.stage import Stage
from tests.faults.harness.workload import Coach

EDITS = 60  # after the backup, and again after it was put back


def restore(stage: Stage, coach: Coach) -> None:
    """Back up, edit, deliver, lose everything, put the backup back, edit again."""
    await_polls(stage)
    backup = _back_up(stage)
    stage.note("backed_up")
    coach.edit(EDITS)
    await_polls(stage)
    stage.close_processes()
    _put_back(stage, backup)
    stage.note("restored")
    said = stage.processes.manage("after_restore")
    stage.open_processes(BATON_INCARNATION=_told(said))
    coach.edit(EDITS)


def _back_up(stage: Stage) -> Path:
    if stage.postgres is not None:
        return stage.postgres.dump("baton", stage.folder / "backup.dump")
    backup = stage.folder / "backup.sqlite3"
    with closing(sqlite3.connect(_file(stage))) as now, closing(sqlite3.connect(backup)) as then:
        now.backup(then)
    return backup


def _put_back(stage: Stage, backup: Path) -> None:
    if stage.postgres is not None:
        stage.postgres.put_back("baton", backup)
        return
    path = _file(stage)
    for rest in ("-wal", "-shm"):
        path.with_name(path.name + rest).unlink(missing_ok=True)
    shutil.copyfile(backup, path)


def _told(said: str) -> str:
    """The number that the command asks the operator to give to every process."""
    found = re.search(r"BATON_INCARNATION=(\d+)", said)
    assert found, said
    return found[1]


def _file(stage: Stage) -> Path:
    return Path(urlsplit(stage.database.url).path.removeprefix("/"))
