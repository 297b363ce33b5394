"""F46: an older release beside this one, on the schema of this one, as in every upgrade.

The older one comes out of the project's own history. Whoever makes a release, or changes the schema
so that the older one can no longer run on it, moves `OLDER` on and says so in the changelog.
"""

import io
import re
import subprocess
import tarfile

import pytest

from devtools.environment import ROOT
from tests.faults.servers.waiting import until

pytestmark = [pytest.mark.processes, pytest.mark.in_one_lane, pytest.mark.xdist_group("stage")]

OLDER = "1671054176531e8619de1b7db8473aee794fa050"
SEVERAL = 12  # deliveries
WITHIN = 60.0  # seconds


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """The code of the older release, in a folder of its own."""
    history = subprocess.run(["git", "archive", OLDER], cwd=ROOT, capture_output=True, check=False)
    if history.returncode:
        pytest.skip(
            "!! There is no history here to take an older release from: F46 was not tried !!"
        )
    folder = tmp_path_factory.mktemp("older")
    with tarfile.open(fileobj=io.BytesIO(history.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def test_F46_an_older_release_hands_over_to_this_one_while_both_run(opened, template, older):
    stage = opened(template)
    before = stage.processes.web("web-before", code=older)
    leaving = stage.processes.pump("pump-before", code=older)
    stage.processes.await_ready()
    stage.change(6)
    stage.settle()

    coming = stage.processes.pump("pump").await_ready()
    with stage.changing():
        until(lambda: hands(stage) >= {leaving.pid, coming.pid}, seconds=WITHIN)
        before.stop()
        stage.processes.web().await_ready()
        seen = len(stage.effects())
        until(lambda: len(stage.effects()) >= seen + SEVERAL, seconds=WITHIN)
        assert (leaving.alive, coming.alive) == (True, True)
        assert leaving.stop() == 0
    stage.settle()
    stage.assert_promises_kept()
    stage.assert_log_verifies()


def hands(stage):
    """The processes that have delivered something."""
    workers = stage.ask("SELECT DISTINCT worker FROM sharing_attempt WHERE outcome = 'success'")
    return {int(re.search(r":(\d+)", worker)[1]) for (worker,) in workers if ":" in worker}
