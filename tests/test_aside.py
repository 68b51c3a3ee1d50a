from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from processes import start
from terminals import eventually

from llmc import aside

#: Does its work aside once a file is there, and ends.
WORK = """
import sys, time
from pathlib import Path
from llmc import aside
folder = Path(sys.argv[1])
def work():
    while not (folder / "go").exists():
        time.sleep(0.01)
    (folder / "done").write_text("x")
    print("never seen", file=sys.stderr)
aside.start(work)
print("ended")
"""

FAILS = """
from llmc import aside
def work():
    raise ValueError("nobody hears")
aside.start(work)
"""


def test_work_goes_on_though_the_process_has_ended_and_its_streams_with_it(tmp_path):
    with start(WORK, tmp_path) as process:
        out, err = process.communicate(timeout=30)
    before = (tmp_path / "done").exists()
    (tmp_path / "go").touch()

    assert (out, err, process.returncode, before) == ("ended\n", "", 0, False)
    assert eventually((tmp_path / "done").exists)


def test_work_holds_no_other_pipe_open(tmp_path):
    ours, theirs = os.pipe()
    paths = os.pathsep.join(sys.path)
    subprocess.run(
        [sys.executable, "-c", WORK, tmp_path],
        env=os.environ | {"PYTHONPATH": f"{Path(__file__).parent.parent}{os.pathsep}{paths}"},
        pass_fds=[theirs],
        check=True,
        capture_output=True,
        timeout=30,
    )
    os.close(theirs)

    rest = os.read(ours, 1)

    os.close(ours)
    (tmp_path / "go").touch()
    assert rest == b""


def test_work_that_fails_says_nothing(tmp_path):
    with start(FAILS) as process:
        out, err = process.communicate(timeout=30)

    assert (out, err, process.returncode) == ("", "", 0)


def test_where_no_child_can_be_had_nothing_is_done(monkeypatch):
    def fail():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    done = []
    monkeypatch.setattr(os, "fork", fail)

    aside.start(lambda: done.append(1))

    assert done == []
