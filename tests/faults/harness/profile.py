"""How much of everything a run has. A run that was given less than it wanted is no proof."""

import math
from dataclasses import dataclass, replace

SENDING = ("P11", "P12", "P13", "P14", "P15", "P16", "P17", "P18", "P20")
READING = ("P04", "P05", "P06", "P07", "P08", "P09", "P10")
WORKING = (*SENDING, *READING)
STOPPING = ("P11", "P12", "P13", "P14", "P15", "P16")  # while asleep, it holds a lane
INTAKE = ("P01", "P02", "P03")
WITHDRAWING, ERASING, ROTATING = "P19", "P21", "P24"
SIGNING = ("P22", "P23")
EVERYWHERE = (*INTAKE, *WORKING, WITHDRAWING, ERASING, *SIGNING, ROTATING)
KEYED = "fault_keyed"
NEVER = 10_000.0  # seconds between two polls, when webhooks alone must do


@dataclass(frozen=True)
class Profile:
    """Sizes of a run; times in seconds."""

    name: str
    athletes: int
    changes: int
    worker_kills: int
    mid_delivery: int  # of these, with the request in the journal and the attempt unsettled
    web_kills: int
    pump_kills: int
    wipes: int  # of the broker
    restarts: int  # of the database; for SQLite, locks held by somebody else
    stops: int  # past the lease
    withdrawals: int
    halts: int  # something is stopped by a person, or a destination switched off, and on again
    storm: float  # how long the changes are spread over, seconds
    destinations: int = 5  # that take something in the storm, two of them of one class
    rolls: int = 1  # every worker is asked to end and started anew, as in a release
    erasures: int = 0  # of athletes whose plans are somewhere; who dies over one comes on top
    per_point: int = 0  # deaths at each crash point, at least
    most_per_point: float = math.inf  # … after which nobody dies there only to fill the storm
    visits: int = 8  # crash points that are visited; the seed says which
    late: float = 3.0  # seconds after which a destination may still apply a call
    late_keyed: float = 9.0  # the same where keys are honoured: after it was asked again
    trouble: float = 0.12  # share of the calls to destinations that go wrong
    lost: int = 5  # percent of the webhooks
    repeated: float = 0.1  # webhooks that come twice, as a share of the changes
    forged: float = 0.05  # posts of a stranger, as a share of the changes
    slow: float = 0.0  # how long every answer of the source takes from the storm on
    poll_every: float = 12.0
    patience: float = 150.0  # for everything to settle after the last fault
    figures: bool = False  # measure drain, hanging, absence, flood and silence as well
    unheard: int = 0  # edits after the storm of which nobody is told, by a webhook or by a call
    restore: bool = False  # lose everything after the storm and put an older backup back
    points: tuple[str, ...] = EVERYWHERE  # the crash points that are visited
    stopping: tuple[str, ...] = STOPPING  # where workers fall asleep past their lease

    def late_at(self, kind: str) -> float:
        return self.late_keyed if kind == KEYED else self.late

    @property
    def polls(self) -> bool:
        return self.poll_every < NEVER


SHORT = Profile(
    "short", athletes=200, changes=2_000, worker_kills=20, mid_delivery=10, web_kills=4,
    pump_kills=2, wipes=3, restarts=1, stops=3, withdrawals=15, halts=4, storm=100,
    erasures=2, most_per_point=1,
)  # fmt: skip
FULL = Profile(
    "full", athletes=1_000, changes=10_000, worker_kills=50, mid_delivery=25, web_kills=10,
    pump_kills=5, wipes=5, restarts=3, stops=10, withdrawals=100, halts=12, storm=600,
    erasures=20,
    per_point=10, visits=len(EVERYWHERE), poll_every=80, patience=300, figures=True,
)  # fmt: skip
CONTROL = replace(
    SHORT, name="control", athletes=60, changes=600, worker_kills=9, mid_delivery=0, web_kills=2,
    pump_kills=1, wipes=2, stops=4, withdrawals=40, halts=0, storm=40, erasures=0, trouble=0.3,
    patience=40, points=("P13", "P14", "P16", "P18"), most_per_point=math.inf,
)  # fmt: skip
ASLEEP = replace(
    CONTROL,
    name="asleep",
    athletes=20,
    stops=10,
    stopping=("P11",),
    worker_kills=3,
    points=("P16",),
)
FEW = replace(CONTROL, name="few", athletes=16, trouble=0.35, late=9.0, withdrawals=8)
HOOKS_ONLY = replace(
    CONTROL, name="hooks-only", poll_every=NEVER, lost=0, web_kills=0, restarts=0, points=("P16",),
    slow=1.0,
)  # fmt: skip
STOPPED = replace(CONTROL, name="stopped", halts=6)
UNHEARD = replace(CONTROL, name="unheard", unheard=60)
RESTORE = replace(
    CONTROL, name="restore", changes=100, storm=10, worker_kills=0, web_kills=0, pump_kills=0,
    wipes=0, restarts=0, stops=0, withdrawals=2, trouble=0.0, points=(), restore=True,
    patience=120, destinations=3,  # so few edits may pass by a destination that few are led to
)  # fmt: skip
TINY = replace(
    SHORT, name="tiny", athletes=40, changes=200, worker_kills=4, mid_delivery=1, web_kills=1,
    pump_kills=1, wipes=1, stops=1, withdrawals=4, halts=1, storm=30, erasures=1,
)  # fmt: skip
PROFILES = {
    profile.name: profile
    for profile in (
        TINY,
        SHORT,
        FULL,
        CONTROL,
        ASLEEP,
        FEW,
        HOOKS_ONLY,
        STOPPED,
        UNHEARD,
        RESTORE,
    )
}
