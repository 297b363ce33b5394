"""What happens in a run: calm, a storm, calm again; or an old backup put back."""

import time
from collections.abc import Callable

from tests.faults.harness.evidence import Evidence, gather
from tests.faults.harness.measures import measure, measure_calm
from tests.faults.harness.nemesis import Nemesis
from tests.faults.harness.restoring import restore
from tests.faults.harness.settling import LONGEST, await_polls, settle
from tests.faults.harness.stage import Stage
from tests.faults.harness.workload import Coach, Workload

Say = Callable[[str], None]


def tell(stage: Stage, say: Say) -> Evidence:
    """The whole story on a stage that stands, and what can be known after it."""
    stage.note("cast", **stage.cast)
    coach = Coach(stage)
    coach.begin()
    settle(stage)
    measure_calm(stage, coach)
    settle(stage)
    say("Calm was measured; the storm begins.")
    _storm(stage, coach, say)
    if stage.profile.restore:
        restore(stage, coach)
        say("An old backup was put back.")
    stage.note("settled", settled=await_polls(stage))
    if stage.people.do("deliver_again")["deliveries"]:
        settle(stage)
    if stage.profile.figures:
        measure(stage, coach)
    return _evidence(stage)


def _storm(stage: Stage, coach: Coach, say: Say) -> None:
    stage.note("storm")
    profile = stage.profile
    stage.weather(
        seed=stage.seed, trouble=profile.trouble, late=profile.late, late_keyed=profile.late_keyed
    )
    stage.sandbox.switch(
        drop_webhooks_percent=profile.lost, reorder_webhooks=True, slow_seconds=profile.slow
    )
    workload, nemesis = Workload(stage, coach), Nemesis(stage)
    workload.start()
    nemesis.run(enough=lambda: workload.enough)
    workload.stop()
    workload.finish()
    if profile.unheard:
        _edit_unheard(stage, coach, nemesis)
    stage.note("edited", edits=coach.edits)
    nemesis.heal()
    stage.weather(trouble=0.0)
    stage.sandbox.switch(drop_webhooks_percent=0)  # what is measured from now on is not its loss
    say(f"The storm is over: {dict(nemesis.done)}.")


def _edit_unheard(stage: Stage, coach: Coach, nemesis: Nemesis) -> None:
    """Edits that can only be found by looking: no webhook tells of them, and no call is left."""
    stage.sandbox.switch(drop_webhooks_percent=100)
    time.sleep(LONGEST)
    nemesis.silence()
    coach.edit(stage.profile.unheard)


def _evidence(stage: Stage) -> Evidence:
    """Export the log, compare it with the rows, stop everything, read."""
    bundle = stage.folder / "audit.bundle"
    stage.processes.stop()
    stage.processes.manage("audit", "export", str(bundle))
    if stage.postgres is not None:
        stage.postgres.script("baton", stage.folder / "dump.sql")
    else:
        stage.database.script(stage.folder / "dump.sql")
    try:
        fsck = (True, stage.processes.manage("audit", "fsck"))
    except RuntimeError as refusal:
        fsck = (False, str(refusal)[:500])
    return gather(stage.folder, stage.database, bundle, fsck, stage.secrets)
