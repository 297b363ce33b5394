"""The whole product as real processes: the demo. What is killed meanwhile is `make faults`."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from devtools.environment import PYTHON, ROOT, SECRETS, prepare
from devtools.stack import STOP_ORDER, Stack
from tests.sandbox_process import free_port

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("demo")]

PATIENCE = 240.0


@pytest.fixture
def stack(tmp_path, monkeypatch):
    """Broker, sandbox, web, worker and scheduler, on ports and data of their own."""
    for name in ("DJANGO_SETTINGS_MODULE", "BATON_SECRETS_FILE", "EMAIL_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith(("TRAININGPEAKS_", "BATON_"))]:
        monkeypatch.delenv(name)
    if not SECRETS.exists():
        prepare()
    here = Stack(tmp_path / "demo", free_port(), free_port())
    here.data.mkdir()
    if here.database_url.endswith("_demo"):
        manage(here, "-m", "devtools.demo_database", here.database_url)
    manage(here, "manage.py", "migrate", "--verbosity", "0")
    supervisor = here.supervisor()
    supervisor.start()
    yield here, supervisor
    supervisor.stop(STOP_ORDER)


def manage(here, *command):
    subprocess.run(
        [str(PYTHON), *command], cwd=ROOT, env={**os.environ, **here.environment()}, check=True
    )


def tell(here):
    """Run the demo to its end and return its verdict."""
    done = subprocess.run(
        [str(PYTHON), "manage.py", "demo", "--sandbox-url", here.sandbox_url],
        cwd=ROOT,
        env={**os.environ, **here.environment()},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout.strip(), done.stderr
    verdict = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stderr + str(verdict)
    return verdict


def test_every_change_arrives_everywhere_once_and_provably(stack):
    here, _ = stack
    verdict = tell(here)
    assert verdict["ok"]
    assert verdict["auditVerified"]
    assert verdict["deliveries"]["delivered"] > 80
    assert verdict["deliveries"]["blocked"] > 0
    assert (verdict["lost"], verdict["doubled"], verdict["unconsented"]) == ([], [], [])
    assert_no_secret_was_logged(here)


def assert_no_secret_was_logged(here):
    secrets = dict(line.split("=", 1) for line in SECRETS.read_text().splitlines() if "=" in line)
    said = "".join(path.read_text(errors="replace") for path in Path(here.data, "log").iterdir())
    assert secrets["BATON_SECRET_KEY"] not in said
    assert "whsec_" not in said.replace("whsec_…", "")
    assert not re.search(r"/hooks/trainingpeaks/[^/]+/[A-Za-z0-9_-]{20,}", said)
