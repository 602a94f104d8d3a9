"""Runs one command and prints, as JSON, what it took: the small parent that measure.mjs needs.

A process's maximum resident size starts at that of the process it was forked from, so Node itself would be a
bad parent. Takes one argument: {"command": [...], "stdin": path, "stdout": path}.
"""

import json
import os
import signal
import sys
import time

job = json.loads(sys.argv[1])
files = [
    (os.POSIX_SPAWN_OPEN, 0, job["stdin"], os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, job["stdout"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
]
command = job["command"]
start = time.perf_counter()
# Python ignores SIGPIPE, and what is ignored would stay so in the command.
child = os.posix_spawnp(command[0], command, os.environ, file_actions=files, setsigdef=[signal.SIGPIPE])
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - start
json.dump(
    {
        "code": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "resident": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    },
    sys.stdout,
)
