"""One table of what can go wrong: each code has an owner, words and one action, also in docs."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from destinations import errors
from destinations.errors import CATALOGUE, DestinationError
from devtools import error_table
from sharing import outcomes
from sharing.bulk.causes import WHO
from sharing.reasons import OWN, explain, known
from sharing.source.errors import CATALOGUE as SOURCE

ROOT = Path(__file__).parents[2]
ROOMS = ("destinations", "sharing")
FREE = {
    "api",
    "bulk",
    "stops",
    "views",
}  # here a reason is what a person wrote, or a whole sentence
TELLING = {"code", "reason", "why", "refusal", "last_error", "error_code", "paused_reason"}
KEEPING = {"again_or_dead", "end", "_end", "give_up", "try_again", "NotNow"}
CODE = re.compile(r"[a-z]+(_[a-z]+)*")


def classes():
    found = [each for each in vars(errors).values() if isinstance(each, type)]
    return [each for each in found if issubclass(each, DestinationError)]


def modules(room):
    """Every module of a room, or the one that is named, and what it consists of."""
    place = ROOT / room
    for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
        if not {"migrations", "management", "fixtures"} & set(path.parts):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def told(tree):
    """The expressions that become a code: an argument, an attribute or a name that carries one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in TELLING:
            yield node.value
        elif isinstance(node, ast.Call) and _name(node.func) in KEEPING:
            yield from node.args
        elif isinstance(node, ast.Assign) and TELLING & set(map(_name, node.targets)):
            yield node.value


def _name(node):
    return getattr(node, "attr", None) or getattr(node, "id", None)


def codes_in(room):
    """Every code that is written there, also under the name of a constant."""
    for path, tree in modules(room):
        names = vars(import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)))
        for value in told(tree):
            for node in ast.walk(value):
                said = node.value if isinstance(node, ast.Constant) else ()
                if isinstance(node, ast.Name) and node.id.isupper():
                    said = names[node.id]
                for code in said if type(said) is tuple else (said,):
                    if type(code) is str and CODE.fullmatch(code):
                        yield code


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
    written = {*codes_in("destinations/adapters"), *codes_in("destinations/http")}
    assert written | {each.code for each in classes()} <= set(CATALOGUE)


def test_every_code_of_the_source_is_in_the_table():
    places = ("sharing/source", "sharing/reading.py", "sharing/trouble.py", "sharing/health.py")
    written = {code for place in places for code in codes_in(place)}
    assert written >= {"bad_answer", "fault_of_our_own", "needs_time_zone"}
    assert written <= set(SOURCE)


def test_every_code_that_is_written_anywhere_has_words():
    """So that nobody ever reads a code without a row, which could only speak for itself."""
    places = [each for room in ROOMS for each in (ROOT / room).iterdir() if each.name not in FREE]
    written = {code for place in places for code in codes_in(place)}
    assert written >= {"newer_version", "lease_lost", "restored"}
    assert not {code for code in written if known(code) is None}


def test_every_refusal_of_the_gate_has_words():
    refusals = returned_by("sharing/gate.py", "refusal") | {"no_consent"}
    assert len(refusals) == 5
    assert refusals <= set(OWN)


def test_every_question_to_a_person_has_words():
    questions = returned_by("sharing/unknown.py", "question")
    assert questions == {"unknown_key_expired", "unknown_since_restore"}
    assert questions <= set(OWN)


def test_the_codes_of_one_table_are_in_no_other():
    assert len({*CATALOGUE, *OWN, *SOURCE}) == len(CATALOGUE) + len(OWN) + len(SOURCE)


@pytest.mark.parametrize("code", [*CATALOGUE, *OWN, *SOURCE])
def test_a_row_says_who_acts_what_to_read_and_what_to_do(code):
    row = explain(code)
    assert WHO[row.owner]
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
