#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at random moments leaves nothing: no process, no file, no shared memory.

usage: killed.py SOFTSGX PROGRAM [ARG...]

Half of the time the program is killed and `run` must end by the same signal; half of the time `run` is killed, and the
program must end with it. 200 rounds; 20 with SOFTSGX_TEST_SCALE=small. SOFTSGX_TEST_SEED repeats a run.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time

LONGEST = 0.08  # seconds from the start to the kill: through creation into steady paging
PATIENCE = 20   # seconds until a process must be gone, on a busy machine
MARK = "SOFTSGX_TEST_MARK=%d-%d" % (os.getpid(), time.monotonic_ns())


def marked_processes():
    """Everything that descends from our runs, whoever its parent is now."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as f:
                if MARK.encode() in f.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            pass  # ended meanwhile, or somebody else's
    return found


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
            return [int(child) for child in f.read().split()]
    except OSError:
        return []


def one_round(command, env, cwd, moment, kill_run):
    run = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    time.sleep(moment)
    programs = children(run.pid)
    if kill_run or not programs:
        run.kill()
    else:
        os.kill(programs[0], signal.SIGKILL)
    status = run.wait(timeout=PATIENCE)
    if status != -signal.SIGKILL:
        sys.exit("killed after %.4f s, run ended with %d" % (moment, status))
    deadline = time.monotonic() + PATIENCE
    while marked_processes():
        if time.monotonic() > deadline:
            sys.exit("killed after %.4f s, these are left: %s" % (moment, marked_processes()))
        time.sleep(0.002)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.strip())
    seed = int(os.environ.get("SOFTSGX_TEST_SEED", random.randrange(1 << 32)))
    rounds = 20 if os.environ.get("SOFTSGX_TEST_SCALE") == "small" else 200
    print("seed", seed)
    chance = random.Random(seed)
    shm = sorted(os.listdir("/dev/shm"))
    with tempfile.TemporaryDirectory() as work:
        env = dict([MARK.split("=")], TMPDIR=work, PATH=os.environ["PATH"])
        # Run from elsewhere, to see files that are left in the working directory too.
        softsgx, *program = [os.path.abspath(arg) if os.path.exists(arg) else arg for arg in sys.argv[1:]]
        command = [softsgx, "run", "--epc", "1M", "--"] + program
        for i in range(rounds):
            one_round(command, env, work, chance.uniform(0, LONGEST), i % 2 == 0)
        if os.listdir(work):
            sys.exit("files are left: %s" % os.listdir(work))
    if sorted(os.listdir("/dev/shm")) != shm:
        sys.exit("shared memory is left: %s" % sorted(set(os.listdir("/dev/shm")) - set(shm)))
    print("%d rounds" % rounds)


if __name__ == "__main__":
    main()
