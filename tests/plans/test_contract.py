"""The published schema, and how it complains."""

import json

import pytest

from plans import contract, schema
from plans.errors import ContractError
from tests.plans.making import TUE, plan, repeat, session, work

PLAN = plan(session(1, TUE, minutes=60, load=50, intervals=[repeat(4, work(target=105))]))


def broken(change):
    document = json.loads(json.dumps(PLAN.document()))
    change(document, document["exerciseList"][0])
    with pytest.raises(ContractError) as caught:
        contract.check(document)
    return str(caught.value)


def test_the_published_schema_is_up_to_date():
    assert schema.FILE.read_text(encoding="utf-8") == schema.text()


def test_the_schema_is_written_where_it_is_published(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "FILE", tmp_path / "plan.v1.json")
    schema.write()
    assert json.loads((tmp_path / "plan.v1.json").read_text())["$id"].endswith("plan.v1")


def test_a_plan_keeps_its_contract():
    contract.check(PLAN.document())


@pytest.mark.parametrize("name", ["workout", "athlete", "strength", "changed", "structure"])
def test_every_source_schema_is_valid(name):
    assert contract.load(f"source/{name}.json")["title"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda plan, one: plan.pop("planId"), "planId: is missing; expected a text"),
        (lambda plan, one: plan.update(extra=1), "extra: is not part of the contract"),
        (
            lambda plan, one: plan.update(schema="plan.v2"),
            'schema: expected "plan.v1", got the text "plan.v2"',
        ),
        (
            lambda plan, one: one.update(load="high"),
            'exerciseList[0].load: expected a number or null, got the text "high"',
        ),
        (
            lambda plan, one: one.update(date="2026-13-01"),
            'exerciseList[0].date: expected a date, got the text "2026-13-01"',
        ),
        (
            lambda plan, one: one["intervals"][0]["steps"][0]["length"].update(value="long"),
            (
                "exerciseList[0].intervals[0].steps[0].length.value: "
                'expected a whole number, got the text "long"'
            ),
        ),
        (
            lambda plan, one: one.update(durationSeconds=-1),
            "exerciseList[0].durationSeconds: expected minimum 0, got -1",
        ),
    ],
)
def test_a_broken_plan_is_refused_by_the_name_of_its_field(change, complaint):
    assert broken(change) == complaint


def test_somebodys_words_are_not_repeated_at_length():
    assert len(contract.shown("x" * 500)) < 60


def test_a_complaint_can_be_told_from_further_up():
    error = ContractError("date", "is wrong").below("exerciseList[0]")
    assert (error.path, str(error)) == ("exerciseList[0].date", "exerciseList[0].date: is wrong")
    assert str(ContractError("", "is wrong")) == "the document: is wrong"
