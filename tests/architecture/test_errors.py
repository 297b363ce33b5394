"""One table of what can go wrong: each code has an owner, words and one action, also in docs."""

import ast
from pathlib import Path

import pytest

from destinations import errors
from destinations.errors import CATALOGUE, DestinationError
from devtools import error_table
from sharing import outcomes
from sharing.reasons import OWN, explain

ROOT = Path(__file__).parents[2]
ENGINE = {
    "aftermath.py", "claims.py", "crashed.py", "deliveries.py", "fan_out.py", "outcomes.py",
    "promises.py", "redeliver.py", "settlement.py", "unknown.py",
}  # fmt: skip
TELLING = {"code", "reason", "why"}  # arguments that carry a code


def classes():
    found = [each for each in vars(errors).values() if isinstance(each, type)]
    return [each for each in found if issubclass(each, DestinationError)]


def trees(room):
    for path in sorted((ROOT / room).rglob("*.py")):
        if "migrations" not in path.parts:
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def codes_in(room):
    """Every code that is written down as the value of an argument that carries one."""
    for path, tree in trees(room):
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg in TELLING:
                for each in ast.walk(node.value):
                    if isinstance(each, ast.Constant) and str(each.value).isidentifier():
                        yield str(each.value), path.name


def returned_by(path, function):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    body = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == function
    )
    constants = {n.value for n in ast.walk(body) if isinstance(n, ast.Constant)}
    return {value for value in constants if isinstance(value, str) and value.isidentifier()}


def test_every_code_of_a_destination_is_in_the_table():
    written = {code for code, _ in codes_in("destinations/adapters")}
    written |= {code for code, _ in codes_in("destinations/http")}
    assert written | {each.code for each in classes()} <= set(CATALOGUE)


def test_every_reason_of_the_engine_has_words():
    written = {code for code, where in codes_in("sharing") if where in ENGINE}
    assert written >= {"newer_version", "unknown_since_restore", "unknown_key_expired"}
    assert written <= {*OWN, *CATALOGUE}


def test_every_refusal_of_the_gate_has_words():
    refusals = returned_by("sharing/gate.py", "refusal") | {"no_consent"}
    assert len(refusals) == 5
    assert refusals <= set(OWN)


def test_the_codes_of_one_table_are_not_in_the_other():
    assert not set(OWN) & set(CATALOGUE)


@pytest.mark.parametrize("code", [*CATALOGUE, *OWN])
def test_a_row_says_who_acts_what_to_read_and_what_to_do(code):
    row = explain(code)
    assert row.owner in errors.Owner
    for words in (row.coach_words, row.admin_words, row.action):
        assert words[0].isupper() or words[0] == "`"
        assert words.endswith((".", "?"))
        assert "|" not in words
    assert row.coach_words != row.admin_words


@pytest.mark.parametrize("kind", classes(), ids=lambda kind: kind.__name__)
def test_something_of_its_own_follows_from_every_class_of_error(kind):
    """The first handler that takes it is that of its nearest class, never a wider one before it."""
    rows = [kinds if isinstance(kinds, tuple) else (kinds,) for kinds, _ in outcomes.HANDLERS]
    taken = next(row for row in rows if issubclass(kind, row))
    fitting = [each for row in rows for each in row if issubclass(kind, each)]
    assert min(fitting, key=kind.__mro__.index) in taken


def test_the_document_says_what_the_code_says():
    assert error_table.DOCUMENT.read_text() == error_table.document(), (
        "Run `python -m devtools.error_table`."
    )
