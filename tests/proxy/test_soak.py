from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="not there: /proc")
def test_some_seconds_of_every_fault_leave_nothing_behind_and_no_wrong_answer():
    soak = [sys.executable, str(ROOT / "benchmarks" / "soak.py"), "0.05", "--clients", "16"]

    done = subprocess.run(soak, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    assert "requests open" in done.stdout
    assert "hung up" in done.stdout
