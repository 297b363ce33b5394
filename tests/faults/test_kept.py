"""A red run is kept, whoever runs its seed again; and those that were red once are run again."""

import json
from types import SimpleNamespace

import pytest

from tests.faults.harness import __main__ as command
from tests.faults.harness import beside, kept, regressions
from tests.faults.harness.profile import PROFILES
from tests.faults.harness.regressions import Regression
from tests.faults.harness.report import Report
from tests.faults.harness.verdict import Verdict

GREEN, RED = Verdict("I1", "nothing lost", 5), Verdict("I2", "no effect twice", 5, ["twice"])
CALM = {"changes": 1, "promises": {}, "kills": {}, "crash_points": {}}


def report(verdict=GREEN, *, doubts=(), sabotage="", **about):
    told = {"profile": "tiny", "seed": 7, "database": "sqlite", **about}
    return Report(
        **told, sabotage=sabotage, verdicts=[verdict], figures=CALM, seconds=1.0,
        doubts=list(doubts),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """What a run has left: a history, and a report where one is written into it."""
    left = tmp_path / "tiny-7" / "sqlite"
    left.mkdir(parents=True)
    (left / "history.jsonl").write_text("what was done\n")
    return left


def lying_beside(folder):
    return sorted(path.name for path in folder.parent.iterdir())


@pytest.mark.parametrize(
    "before",
    [report(RED), report(doubts=["changes: 0 of 200"]), None, "{"],
    ids=["red", "no proof", "broke off", "broke off as it wrote"],
)
def test_what_is_not_green_is_moved_aside_and_said(before, folder):
    said = []
    if isinstance(before, Report):
        before.write(folder / kept.REPORT)
    elif before:
        (folder / kept.REPORT).write_text(before)
    kept.make_room(folder, said.append)
    assert lying_beside(folder) == ["sqlite-red-1"]
    assert (folder.with_name("sqlite-red-1") / "history.jsonl").read_text() == "what was done\n"
    assert str(folder.with_name("sqlite-red-1")) in said[0]


def test_each_of_several_red_runs_is_kept(folder):
    for number in (1, 2, 3):
        folder.mkdir(exist_ok=True)
        report(RED, seed=number).write(folder / kept.REPORT)
        kept.make_room(folder, str)
    seeds = {
        name: json.loads((folder.with_name(name) / kept.REPORT).read_text())["seed"]
        for name in lying_beside(folder)
    }
    assert seeds == {"sqlite-red-1": 1, "sqlite-red-2": 2, "sqlite-red-3": 3}


@pytest.mark.parametrize(
    "before", [report(), report(RED, sabotage="N01")], ids=["green", "red on purpose"]
)
def test_what_answered_as_it_should_makes_room(before, folder):
    before.write(folder / kept.REPORT)
    kept.make_room(folder, pytest.fail)
    assert lying_beside(folder) == []


def test_where_nothing_is_nothing_is_kept(tmp_path):
    kept.make_room(tmp_path, pytest.fail)
    kept.make_room(tmp_path / "never", pytest.fail)
    assert list(tmp_path.iterdir()) == []


def test_of_runs_beside_each_other_each_keeps_what_was_red(folder, monkeypatch):
    report(RED).write(folder / kept.REPORT)
    monkeypatch.setattr(beside, "_output", lambda options: run_anew(folder))
    (now,) = beside.each_other(["sqlite"], list, folder.parent, str)
    assert (now.green, lying_beside(folder)) == (True, ["sqlite", "sqlite-red-1"])
    monkeypatch.setattr(beside, "_output", lambda options: "it broke down")
    with pytest.raises(RuntimeError, match="sqlite broke down"):
        beside.each_other(["sqlite"], list, folder.parent, str)


def run_anew(folder):
    folder.mkdir()
    report().write(folder / kept.REPORT)
    return "green"


# --- what was red once -------------------------------------------------------------------------


ONCE = (
    Regression("tiny", 7, "sqlite", "A promise was kept twice."),
    Regression("short", 8, "postgresql", "A lane stood still."),
)


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """`runs(*options, red=…)`: the exit, what was said, what was run; these seeds turn red."""

    def made(*options, once=ONCE, red=()):
        said, ran = [], []

        def run(profile, seed, *, database, folder, sabotage, say):
            ran.append((profile.name, seed, database, folder.relative_to(tmp_path).as_posix()))
            return report(RED if seed in red else GREEN, profile=profile.name, seed=seed)

        monkeypatch.setattr(regressions, "REGRESSIONS", once)
        monkeypatch.setattr(command, "run", run)
        monkeypatch.setattr(command, "say", said.append)
        monkeypatch.setattr(command, "PrivatePostgres", SimpleNamespace(available=lambda: True))
        monkeypatch.setattr("sys.argv", ["faults", *options, "--folder", str(tmp_path)])
        return command.main(), "\n".join(said), ran

    return made


def test_every_run_that_was_red_once_is_run_again(runs):
    ended, said, ran = runs("--profile", "regressions")
    assert (ended, ran) == (
        0,
        [
            ("tiny", 7, "sqlite", "tiny-7/sqlite"),
            ("short", 8, "postgresql", "short-8/postgresql"),
        ],
    )
    assert "Red once: A lane stood still." in said
    assert "2 of 2 runs that were red once are green." in said


def test_one_that_is_red_again_is_red(runs):
    ended, said, _ = runs("--profile", "regressions", red={8})
    assert (ended, "1 of 2 runs" in said, command.RED in said) == (1, True, True)


def test_those_of_one_database_are_run_on_it_alone(runs):
    _, _, ran = runs("--profile", "regressions", "--database", "postgresql")
    assert [each[0] for each in ran] == ["short"]


def test_where_none_was_red_none_is_run(runs):
    ended, said, ran = runs("--profile", "regressions", once=())
    assert (ended, ran, "0 of 0" in said) == (0, [], True)


def test_whoever_runs_a_seed_that_turns_red_is_told_what_to_do(runs):
    told = ("--profile", "tiny", "--seed", "7", "--database", "sqlite")
    ended, said, _ = runs(*told, red={7})
    assert (ended, command.RED in said) == (1, True)
    assert command.RED not in runs(*told)[1]
    assert command.RED not in runs(*told, "--sabotage", "N01", red={7})[1]


def test_what_was_red_once_can_be_run_again_and_says_why():
    for one in regressions.REGRESSIONS:
        assert one.profile in PROFILES
        assert one.database in command.DATABASES
        assert one.found.endswith(".")
