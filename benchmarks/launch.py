"""Run a command and print what it took: exit code, seconds, processor seconds, peak memory.

A program by itself, run without the site module, because a new process counts as large as the one
that it came from: this one must be smaller than anything that is measured.
"""

import os
import sys
import time

null = os.open(os.devnull, os.O_RDONLY)
log = os.open(sys.argv[1], os.O_WRONLY)
began = time.perf_counter()
child = os.posix_spawn(
    sys.argv[2],
    sys.argv[2:],
    os.environ,
    file_actions=[
        (os.POSIX_SPAWN_DUP2, null, 0),
        (os.POSIX_SPAWN_DUP2, log, 1),
        (os.POSIX_SPAWN_DUP2, log, 2),
    ],
)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - began
code = os.waitstatus_to_exitcode(status)
unit = 1 if sys.platform == "darwin" else 1024
sys.stdout.write(f"{code} {wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss * unit}\n")
