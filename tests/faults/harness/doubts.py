"""Why a run is no proof: less happened in it than its profile asks for, or something never did."""

from http import HTTPStatus

from tests.faults.harness.evidence import Evidence
from tests.faults.harness.figures import Figures, after_the_caller, measured
from tests.faults.harness.journal import Line
from tests.faults.harness.measures import PHASES
from tests.faults.harness.profile import Profile

Counted = dict[str, tuple[int, int]]  # what → how often it happened, and how often at least it must
MANY = 24  # where a share of things comes to so many, that there is none of them is no chance
TROUBLES = 10  # kinds of it, each as frequent as the others
PATIENT = 1.0  # seconds; whoever waited that long for an answer was not cut off and did not die


def doubts_of(profile: Profile, evidence: Evidence) -> list[str]:
    done = measured(evidence)
    wanted = {
        **_done_to_it(profile, done),
        **_by_people(profile, done),
        **_around_it(profile, evidence, done),
    }
    doubts = [f"{what}: {had} of {asked}" for what, (had, asked) in wanted.items() if had < asked]
    died = done["crash_points"]
    rarely = [point for point in profile.points if died.get(point, 0) < profile.per_point]
    return [*doubts, f"too few died at {', '.join(rarely)}"] if rarely else doubts


def _done_to_it(profile: Profile, done: Figures) -> Counted:
    kills, did, died = done["kills"], done["done"], done["crash_points"]
    return {
        "worker kills": (kills["worker_kill"] + kills["worker_crash"], profile.worker_kills),
        "kills in the middle of a delivery": (done["mid_delivery"], profile.mid_delivery),
        "web kills": (kills["web_kill"], profile.web_kills),
        "pump kills": (kills["pump_kill"], profile.pump_kills),
        "crash points at which somebody died": (sum(map(bool, died.values())), _points(profile)),
        "broker wipes": (did["wipe"], profile.wipes),
        "database restarts": (did["restart"], profile.restarts),
        "releases": (did["roll"], profile.rolls),
        "stops past the lease": (did["stop"], profile.stops),
        "attempts of sleepers that were fenced off": (
            done["slept_over_and_fenced"], int(profile.stops > 0),
        ),
    }  # fmt: skip


def _points(profile: Profile) -> int:
    """Half of those that are visited: whoever is armed does not come to each of them in time."""
    return (min(profile.visits, len(profile.points)) + 1) // 2


def _by_people(profile: Profile, done: Figures) -> Counted:
    return {
        "changes": (done["changes"], profile.changes),
        "destinations that took something in the storm": (
            done["in_the_storm"]["destinations"], profile.destinations,
        ),
        "withdrawals": (done["withdrawals"], profile.withdrawals),
        "halts": (done["halts"], profile.halts),
        "promises that a stop held back": (done["held_back"], int(profile.halts > 0)),
        "erasures": (done["erasures"], profile.erasures),
    }  # fmt: skip


def _around_it(profile: Profile, evidence: Evidence, done: Figures) -> Counted:
    """What destinations, the network and strangers did, and what a run of this profile is for."""
    of_each = _surely(done["in_the_storm"]["calls"] * profile.trouble / TROUBLES)
    answers = [call["status"] or 0 for call in evidence.calls]
    posts = [line["what"] for line in evidence.did("repeated", "forged") if "phase" not in line]
    phases = {line["phase"] for line in evidence.did("phase_over")}
    return {
        "answers that were trouble": (
            sum(status >= HTTPStatus.TOO_MANY_REQUESTS for status in answers),
            int(profile.trouble > 0),
        ),
        "answers that were failures": (
            sum(status >= HTTPStatus.INTERNAL_SERVER_ERROR for status in answers), of_each,
        ),
        "calls that were never answered": (sum(map(_silent, evidence.calls)), of_each),
        "effects that came when the caller had gone": (len(after_the_caller(evidence)), of_each),
        "calls after a pause that was asked for": (
            done["G12_first_calls_after_a_pause"]["n"], of_each,
        ),
        "webhooks that were lost": (
            _lost(evidence), _surely(profile.changes * profile.lost / 100),
        ),
        "posts of a stranger": (len(posts), int(profile.repeated + profile.forged > 0)),
        "webhooks that came twice": (
            posts.count("repeated"), _surely(profile.changes * profile.repeated),
        ),
        "forged webhooks": (posts.count("forged"), _surely(profile.changes * profile.forged)),
        "phases that were measured": (len(phases), len(PHASES) * int(profile.figures)),
        "backups that were put back": (len(evidence.did("restored")), int(profile.restore)),
    }  # fmt: skip


def _surely(expected: float) -> int:
    return int(expected >= MANY)


def _silent(call: Line) -> bool:
    return call["status"] is None and bool(call["ended"]) and call["ended"] - call["at"] > PATIENT


def _lost(evidence: Evidence) -> int:
    """Of the storm: in the end all of them are lost for a while, and that is measured."""
    healed = next((line["at"] for line in evidence.did("healed")), float("inf"))
    return sum(post["outcome"] == "dropped" and post["at"] < healed for post in evidence.posts)
