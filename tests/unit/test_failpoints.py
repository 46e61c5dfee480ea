"""A staged fault holds exactly where it stands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_CHILD = """
import os, sys, threading
from pathlib import Path
from nashr import failpoints

def work():
    failpoints.reached("here")
    os.write(1, b"went on")

failpoints.arm("here=stop", Path(sys.argv[1]))
threads = [threading.Thread(target=threading.Event().wait, daemon=True) for _ in range(4)]
threads.append(threading.Thread(target=work))
for thread in threads:
    thread.start()
threads[-1].join()
"""


def test_a_thread_that_stops_its_process_does_nothing_more(tmp_path: Path) -> None:
    """Four times: a stop that only another thread takes note of lets this one run on now and then."""
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(tmp_path)], stdout=subprocess.PIPE
        ) as process:
            try:
                assert os.WIFSTOPPED(_changed(process.pid))
                assert process.stdout is not None
                os.set_blocking(process.stdout.fileno(), False)
                time.sleep(0.02)
                assert process.stdout.read() is None
            finally:
                process.send_signal(signal.SIGKILL)


def _changed(pid: int) -> int:
    return os.waitpid(pid, os.WUNTRACED)[1]
