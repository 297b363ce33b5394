from pathlib import Path

import pytest

from sandbox.control import switches

README = (Path(switches.__file__).parents[1] / "README.md").read_text()


@pytest.mark.parametrize("switch", switches.ALL, ids=lambda switch: switch.name)
def test_every_switch_is_in_the_readme(switch):
    assert f"| `{switch.name}` |" in README
    assert switch.explanation in README
