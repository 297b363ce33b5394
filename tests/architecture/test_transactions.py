"""Whoever opens a transaction of the engine does it again when the database gives it up."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROAD = (
    "accounts/tokens.py", "destinations/services.py", "sharing/acknowledgements.py",
    "sharing/aftermath.py", "sharing/blocks.py", "sharing/claims.py", "sharing/consents.py",
    "sharing/deliveries.py", "sharing/feeds.py", "sharing/health.py", "sharing/intake.py",
    "sharing/limiter.py", "sharing/outcomes.py", "sharing/periodic.py", "sharing/polling.py",
    "sharing/quarantine.py", "sharing/reading.py", "sharing/records.py", "sharing/redeliver.py",
    "sharing/roster.py", "sharing/routes.py", "sharing/trouble.py", "sharing/verifying.py",
    "sharing/views/roster.py",
)  # fmt: skip
OPENING = ("audited_atomic", "atomic")
WITHIN = {  # only ever a part of somebody else's transaction, which is done again as a whole
    ("destinations/services.py", "_record"),
}


def opens_one(function):
    blocks = [node for node in ast.walk(function) if isinstance(node, ast.With)]
    calls = [item.context_expr for block in blocks for item in block.items]
    names = [ast.unparse(call.func) for call in calls if isinstance(call, ast.Call)]
    return any(name.rpartition(".")[2] in OPENING for name in names)


def done_again(function):
    return any(ast.unparse(each).startswith("retried") for each in function.decorator_list)


def done_once(path):
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and opens_one(node) and not done_again(node):
            yield path, node.name


def test_every_transaction_of_the_road_is_done_again_when_it_was_given_up():
    assert {each for path in ROAD for each in done_once(path)} == WITHIN
