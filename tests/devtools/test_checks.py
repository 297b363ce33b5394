"""`make check` runs every check, also after one that fails, and names the failures."""

import re

import pytest

from devtools import checks
from devtools.checks import Check
from devtools.environment import ROOT


@pytest.fixture
def these(monkeypatch):
    def use(*commands):
        monkeypatch.setattr(
            checks, "CHECKS", [Check(name, ["-c", code]) for name, code in commands]
        )

    return use


def test_every_check_runs_and_the_failed_ones_are_named(these, capfd, tmp_path):
    after = tmp_path / "ran"
    these(
        ("format", "raise SystemExit('one line is too long')"),
        ("lint", f"open({str(after)!r}, 'w')"),
        ("types", "raise SystemExit(3)"),
    )
    assert checks.run() == 1
    said = capfd.readouterr()
    assert after.exists()
    assert "2 of 3 checks failed: format, types." in said.out + said.err
    assert "one line is too long" in said.out + said.err


def test_all_is_well_when_all_pass(these):
    these(("format", "pass"), ("lint", "pass"))
    assert checks.run() == 0


def test_all_code_of_the_tree_is_checked():
    python = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {
        path.name for path in ROOT.glob("*.py")
    }
    assert python <= set(checks.CODE)


def test_every_recipe_of_the_makefile_is_a_command():
    from devtools.commands import COMMANDS

    asked = re.findall(r"dev\.py ([a-z-]+)", (ROOT / "Makefile").read_text())
    assert set(asked) <= set(COMMANDS)
    assert {"demo", "demo-once", "test", "check"} <= set(asked)
