"""The register: every row of the fault table and every crash point has a test that bears its name.

A test may stand in any folder; its name begins with its rows: `test_F10_…`, `test_p01_p02_…`.
"""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROWS = [f"F{number:02}" for number in range(1, 48)]
POINTS = [f"P{number:02}" for number in range(1, 25)]
NAMED = re.compile(r"test((?:_[FfPpSs]\d+)+)_")


def named(path):
    """The rows that the tests of one file name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and (match := NAMED.match(node.name)):
            yield from re.findall(r"[FP]\d\d", match[1].upper())


def covered():
    return {row for path in TESTS.rglob("test_*.py") for row in named(path)}


def test_every_row_and_every_point_has_a_test_of_its_name():
    assert sorted({*ROWS, *POINTS} - covered()) == []


def test_no_test_names_a_row_that_is_not_there():
    assert sorted(covered() - {*ROWS, *POINTS}) == []
