"""One run: set the stage, tell the story, judge what it left behind.

python -m tests.faults.harness --profile short --seed 1 --database sqlite
"""

import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.harness import figures, kept, promises, records, story
from tests.faults.harness.doubts import doubts_of
from tests.faults.harness.evidence import Evidence
from tests.faults.harness.figures import measured
from tests.faults.harness.profile import Profile
from tests.faults.harness.report import Report
from tests.faults.harness.stage import Stage
from tests.faults.harness.verdict import Check, Verdict

I8 = figures.i8_a_bad_one_hurts_only_itself  # only where something was made to hang
ERASED = records.i10_the_erased_are_unreadable  # only where somebody was
CHECKS: tuple[Check, ...] = (
    promises.i1_nothing_lost,
    promises.i2_no_duplicate_effect,
    promises.i3_order_kept,
    promises.i4_consent_respected,
    records.i5_audit_complete,
    records.i6_audit_verifies,
    records.i7_walls_stand,
    I8,
    promises.i9_bounded,
    records.i10_secrets_stay,
    ERASED,
    records.i11_thanks_after_commit,
    records.i12_versions_immutable,
    promises.i13_recovers_alone,
    promises.i14_says_so,
)
NOT_AFTER_A_RESTORE = {
    promises.i4_consent_respected,  # what the backup did not know of has left the log
    promises.i9_bounded,
    promises.i14_says_so,
    records.i11_thanks_after_commit,
}


def run(
    profile: Profile,
    seed: int,
    *,
    database: str,
    folder: Path,
    sabotage: str = "",
    say: Callable[[str], None] = lambda _: None,
    **more: str,
) -> Report:
    """A whole run in a folder of its own; its report and evidence stay there."""
    begun = time.monotonic()
    kept.make_room(folder, say)
    with Stage(folder, profile, seed, database, sabotage, more) as stage:
        say(f"The stage stands after {time.monotonic() - begun:.0f} s.")
        evidence = story.tell(stage, say)
        verdicts = _judged(profile, evidence)  # before the stage takes its broker's data away
    report = Report(
        profile.name, seed, database, sabotage, verdicts, measured(evidence),
        time.monotonic() - begun, doubts_of(profile, evidence),
    )  # fmt: skip
    report.write(folder / kept.REPORT)
    return report


def _judged(profile: Profile, evidence: Evidence) -> list[Verdict]:
    left_out = {
        *(NOT_AFTER_A_RESTORE if profile.restore else ()),
        *(() if profile.figures else [I8]),
        *(() if profile.erasures else [ERASED]),
    }
    return [check(evidence) for check in CHECKS if check not in left_out]
