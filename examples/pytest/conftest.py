"""drdrill's drills as tests of pytest, by the program `drdrill` in PATH or in the variable DRDRILL.

`pytest` collects every `*.drill.yaml`. A test of one's own takes the fixture `drill`:

    def test_writes_are_back_within_five_seconds(drill):
        drill("cache.drill.yaml", **{"targets.rto": "5s"}).assert_passed()
"""
import json, os, subprocess
from pathlib import Path

import pytest

PROGRAM = os.environ.get("DRDRILL", "drdrill")
# What `drdrill run` ends with where a run has ended and was judged: pass, missed, could not be told, aborted.
JUDGED = (0, 1, 3, 9)


def pytest_addoption(parser):
    parser.addoption("--drill-reports", default="reports", help="keep the runs of drills below this folder")


class Ended:
    """A drill that has ended: `verdict`, `figures` by name, and the `folder` with report.html."""

    def __init__(self, said):
        card = said["scorecard"]
        self.verdict, self.sentence, self.folder = card["verdict"], card["sentence"], Path(said["folder"])
        self.figures = {line["figure"]: line for line in card["lines"]}
        self.reasons = [reason["text"] for reason in card["reasons"]]

    def assert_passed(self):
        """What could not be told does not pass, either."""
        if self.verdict not in ("pass", "control"):
            pytest.fail(str(self), pytrace=False)

    def __str__(self):
        missed = [f"  {line['figure']} is {line['state']}: target {line['target']}, measured {line['measured']}"
                  for line in self.figures.values() if line["state"] not in ("met", "any")]
        return "\n".join([f"{self.verdict}: {self.sentence}", *missed, *self.reasons, f"{self.folder}/report.html"])


def run(file, reports, **changes):
    """Runs a drill once, with these values of its file replaced. One that could not be run is an error of the test."""
    command = [PROGRAM, "run", str(file), "--json", "--out", reports]
    for key, value in changes.items():
        command += ["--set", f"{key}={value}"]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    if done.returncode not in JUDGED or len(lines) != 1:
        raise RuntimeError(f"`{' '.join(command)}` ended with {done.returncode} and {len(lines)} runs\n{done.stderr}")
    return Ended(json.loads(lines[0]))


@pytest.fixture
def drill(request):
    return lambda file, **changes: run(file, request.config.getoption("--drill-reports"), **changes)


def pytest_collect_file(parent, file_path):
    if file_path.name.endswith(".drill.yaml"):
        return DrillFile.from_parent(parent, path=file_path)


class DrillFile(pytest.File):
    def collect(self):
        yield DrillItem.from_parent(self, name=self.path.name.removesuffix(".drill.yaml"))


class DrillItem(pytest.Item):
    def runtest(self):
        run(self.path, self.config.getoption("--drill-reports")).assert_passed()

    def repr_failure(self, excinfo):
        return str(excinfo.value)

    def reportinfo(self):
        return self.path, None, f"drill {self.name}"
