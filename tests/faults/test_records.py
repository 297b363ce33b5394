"""I5 to I7 and I10 to I12 judge a small run: kept as it is, and broken in each way they name."""

import shutil
from base64 import b64encode
from types import SimpleNamespace

import pytest

from audit import bundle, merkle
from tests.faults.harness.records import (
    ERA,
    i5_audit_complete,
    i6_audit_verifies,
    i7_walls_stand,
    i10_secrets_stay,
    i10_the_erased_are_unreadable,
    i11_thanks_after_commit,
    i12_versions_immutable,
)
from tests.faults.harness.stage import CANARY
from tests.faults.small_run import (
    BEN,
    EVA,
    HOOK,
    TOKEN,
    ZOE,
    call,
    names_it,
    recorded,
    row,
    say,
    spoiled,
    version,
)

CHECKS = [
    i5_audit_complete, i6_audit_verifies, i7_walls_stand, i10_secrets_stay,
    i10_the_erased_are_unreadable, i11_thanks_after_commit, i12_versions_immutable,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_what_was_kept_is_found_kept_by_looking_at_something(check, run):
    verdict = check(run)
    assert (verdict.violations, verdict.held) == ([], True)


# --- I5: every change in the log, once ---------------------------------------------------------


def entry(run, action, **about):
    """The first entry of this."""
    found = (each for each in run.entries if each["action"] == action)
    return next(each for each in found if about.items() <= each.items())


def unsaid(action, **about):
    return lambda run: run.entries.remove(entry(run, action, **about))


def said_twice(action, **about):
    return lambda run: run.entries.append({**entry(run, action, **about)})


@spoiled(
    ("a promise that is not told", unsaid("delivery.accepted"), "accepted 0 times"),
    ("a promise told twice", said_twice("delivery.accepted"), "accepted 2 times"),
    ("an end that is not told", unsaid("delivery.delivered"), "is delivered, the log says []"),
    ("an end told twice", said_twice("delivery.delivered"), "['delivered', 'delivered']"),
    ("another end than the row has",
     lambda run: row(run.deliveries, "ben-keyed-2").update(state="blocked"),
     "is blocked, the log says ['delivered']"),
    ("an end of what still waits",
     lambda run: row(run.deliveries, "ben-keyed-2").update(state="waiting"), "is waiting"),
    ("a delivery that is not there",
     lambda run: run.deliveries.remove(row(run.deliveries, "ben-keyed-2")), "which is not there"),
    ("an attempt that is not told",
     unsaid("attempt.started"), "'attempt.started'): 1 times in the rows, 0 times in the log"),
    ("an attempt settled twice",
     said_twice("attempt.settled"), "'attempt.settled'): 1 times in the rows, 2 times in the log"),
    ("a late answer that is not told",
     lambda run: row(run.attempts, "died-0").update(outcome="late_success"), "answered_late"),
    ("a version that is not told",
     unsaid("plan.version.recorded"), "('ben', 1): made 1 times, told 0 times"),
    ("a version that is not there",
     lambda run: run.versions.pop(), "('zoe', 1): made 0 times, told 1 times"),
    ("what the product itself finds",
     lambda run: setattr(run, "fsck", (False, "entry 7")), "audit fsck: entry 7"),
)  # fmt: skip
def test_a_change_and_a_log_that_differ_are_seen(spoil, words, run):
    spoil(run)
    assert names_it(i5_audit_complete, run, words)


# --- I6: the log verifies ----------------------------------------------------------------------

BODIES = [f'{{"seq":{seq}}}'.encode() for seq in range(11)]


def root(size):
    return merkle.root_of(map(merkle.leaf_hash, BODIES[:size]))


def note(size, of=None, origin="baton.example/audit"):
    return f"{origin}\n{size}\n{b64encode(of or root(size)).decode()}\n\n— signed\n"


def broken(anchors, stored=None, anchored_at=1.0):
    stored = anchors if stored is None else stored
    rows = [
        {"size": int(text.split("\n")[1]), "note": text.encode(), "anchored_at": anchored_at}
        for text in stored
    ]
    evidence = SimpleNamespace(
        bodies=[bundle.header(len(BODIES), root(len(BODIES))), *BODIES],
        entries=[{"seq": seq, "time": "2026"} for seq in range(len(BODIES))],
        anchors=anchors,
        checkpoints=rows,
    )
    return i6_audit_verifies(evidence).violations


def test_what_was_signed_and_is_outside_is_good():
    assert broken([note(3), note(8), note(11)]) == []


def test_an_earlier_life_is_not_compared_with_the_log_of_the_last():
    lost = note(9, bytes(32), "baton.example/audit")
    assert broken([lost, note(5, origin="baton.example/audit/2")]) == []


@pytest.mark.parametrize(
    ("anchors", "more"),
    [
        ([], {}),
        ([note(8, bytes(32))], {}),
        ([note(12, bytes(32))], {}),
        ([note(8), note(3)], {}),
        ([note(8), note(8)], {}),
        ([note(8)], {"stored": [note(8), note(11)]}),
        ([note(8)], {"stored": []}),
        ([note(8)], {"anchored_at": None}),
    ],
    ids=["nothing", "another root", "too many", "back", "twice", "not anchored", "not stored",
         "not said"],
)  # fmt: skip
def test_what_was_signed_wrongly_is_seen(anchors, more):
    assert broken(anchors, **more)


@spoiled(
    ("an entry out of its place", lambda run: run.entries[3].update(seq=4), "entry 3 says"),
    ("time goes back", lambda run: run.entries[3].update(time=-1.0), "entry 3 is older"),
    ("an entry was changed", lambda run: run.bodies.__setitem__(3, b"{}"), "root that it claims"),
    ("an entry was cut off", lambda run: run.bodies.pop(), "root that it claims"),
)
def test_an_export_that_was_tampered_with_is_seen(spoil, words, run):
    spoil(run)
    assert names_it(i6_audit_verifies, run, words)


# --- I7: each destination saw its own athletes only --------------------------------------------


@spoiled(
    ("an athlete whose route leads elsewhere", ("eva-upsert", "s-2"), "request 10 took eva astray"),
    ("a plan that is nobody's", ("dan-keyed", "s-2"), "request 10 took dan astray"),
    ("a session of somebody else", ("ben-keyed", "s-2"), "request 10 took “s-2” of somebody else"),
)
def test_what_went_astray_is_seen(spoil, words, run):
    lane, title = spoil
    call(run, 300.0, lane, 3, [title])
    assert names_it(i7_walls_stand, run, words)


def test_a_call_without_an_answer_has_told_all_the_same(run):
    call(run, 300.0, "eva-upsert", 3, ["s-2"], status=None)
    assert names_it(i7_walls_stand, run, "astray")


def test_a_session_that_has_another_name_now_is_nobody_elses(run):
    run.titles[EVA].add("Long run")  # what the studio was seeded with may be called alike
    call(run, 300.0, "ben-keyed", 3, ["s-1", "Long run"])
    assert i7_walls_stand(run).held


# --- I10: secrets stay secret, and the erased can be read nowhere ------------------------------

PLACES = [
    "log/web.log", "log/people.log", "redis.log", "audit.bundle", "dump.sql", "baton.sqlite3",
    "baton.sqlite3-wal", "redis/appendonlydir/appendonly.aof", "erasures.jsonl",
]  # fmt: skip
READ = ["log/web.log", "redis.log", "audit.bundle", "dump.sql", "erasures.jsonl"]


def write(run, place, words):
    with (run.folder / place).open("a") as file:
        file.write(f"2026-11-29 {words}\n")


@pytest.mark.parametrize("place", PLACES)
def test_a_token_is_seen_wherever_something_is_written(place, run):
    write(run, place, f"Bearer {TOKEN} was refused")
    name = place.rpartition("/")[2]
    assert names_it(i10_secrets_stay, run, f"{name} holds {TOKEN[:12]}…")


@pytest.mark.parametrize("secret", [TOKEN, HOOK, *map(CANARY.format, ("keyed", "upsert", "none"))])
def test_each_kind_of_secret_is_seen(secret, run):
    write(run, "log/web.log", f'"POST /hooks/{secret}/" 202')
    assert names_it(i10_secrets_stay, run, "web.log holds")


def test_what_a_report_says_of_a_secret_is_not_the_secret(run):
    write(run, "dump.sql", TOKEN)
    assert TOKEN not in str(i10_secrets_stay(run).as_json())


@pytest.mark.parametrize("check", [i10_secrets_stay, i10_the_erased_are_unreadable])
@pytest.mark.parametrize("place", ["log", "redis", "audit.bundle", "dump.sql"])
def test_a_place_that_cannot_be_looked_at_any_more_proves_nothing(check, place, run):
    path = run.folder / place
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert names_it(check, run, f"there is no {place}")


@pytest.mark.parametrize("place", READ)
@pytest.mark.parametrize("words", ["zoe@tp.example", "s-3"])
def test_somebody_who_was_erased_and_is_told_of_is_seen(words, place, run):
    write(run, place, f"a line of '{words}', kept")
    assert names_it(i10_the_erased_are_unreadable, run, f"tells of “{words}”")


@pytest.mark.parametrize("words", ["eva@tp.example", "s-2", "s-31", "tests-3"])
def test_nobody_else_is_taken_for_somebody_erased(words, run):
    write(run, "dump.sql", words)
    assert i10_the_erased_are_unreadable(run).held


def test_where_nobody_was_erased_nothing_was_looked_at(run):
    run.erasures.clear()
    assert not i10_the_erased_are_unreadable(run).held


# --- I11: thanked only for what is kept --------------------------------------------------------


@spoiled(
    ("a webhook that was thanked for and is gone",
     lambda run: run.hints.pop(), "source ben-source: thanked 2 times, kept 1"),
    ("a hint of another kind is none of a webhook",
     lambda run: row(run.hints, 0).update(kind="poll"), "thanked 2 times, kept 1"),
    ("one more came twice and was kept once",
     lambda run: say(run, "repeated", 24.0, athlete=BEN, status=200), "thanked 3 times, kept 2"),
    ("a forged one that was thanked for",
     lambda run: say(run, "forged", 24.0, athlete=BEN, status=202), "a forged post for athlete 1"),
)  # fmt: skip
def test_thanks_for_nothing_are_seen(spoil, words, run):
    spoil(run)
    assert names_it(i11_thanks_after_commit, run, words)


@pytest.mark.parametrize(
    ("athlete", "status"), [(BEN, 503), (BEN, 0), (ZOE, 202)], ids=["refused", "none", "erased"]
)
def test_without_thanks_or_after_an_erasure_nothing_need_be_kept(athlete, status, run):
    say(run, "repeated", 24.0, athlete=athlete, status=status)
    assert i11_thanks_after_commit(run).held


# --- I12: versions never change ----------------------------------------------------------------


@spoiled(
    ("one is missing in the middle",
     lambda run: run.versions.remove(next(v for v in run.versions if v["plan_id"] == "ben")),
     "plan ben lacks versions"),
    ("the newest is missing", lambda run: row(run.plans, "ben").update(newest=3), "below 3"),
    ("there is one that the plan does not know", lambda run: run.versions.append(version("ben", 3)),
     "plan ben lacks"),
    ("one number has two", lambda run: run.versions.append(version("ben", 2)), "plan ben lacks"),
    ("all are gone", lambda run: run.versions.clear(), "plan zoe lacks"),
    ("one was changed", lambda run: row(run.versions, "ben-2").update(content=b"sealed anew"),
     "version 2 of plan ben was altered"),
    ("one has the hash of another", lambda run: row(run.versions, "ben-2").update(
        content_hash="hash of ben-1"), "version 2 of plan ben was altered"),
    ("the log tells of another", lambda run: run.entries.remove(next(
        e for e in run.entries if (e.get("plan"), e.get("version")) == ("eva", 1))),
     "version 1 of plan eva was altered"),
    ("the product sees more", lambda run: setattr(run, "fsck", (False, "version 2 of plan ben")),
     "audit fsck: version 2 of plan ben"),
)  # fmt: skip
def test_a_version_that_changed_or_is_missing_is_seen(spoil, words, run):
    spoil(run)
    assert names_it(i12_versions_immutable, run, words)


def test_after_a_restore_numbers_begin_anew(run):
    for number in (ERA + 1, ERA + 3):
        run.entries.append(recorded(version("ben", number)))
    run.versions.append(version("ben", ERA + 1))
    row(run.plans, "ben").update(newest=ERA + 1)
    assert i12_versions_immutable(run).held
    run.versions.append(version("ben", ERA + 3))
    row(run.plans, "ben").update(newest=ERA + 3)
    assert names_it(i12_versions_immutable, run, "plan ben lacks")
