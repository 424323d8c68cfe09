#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The statistics of real enclaves: what every run can be held to, limits, several processes, sudden death.

usage: stats.py SOFTSGX PROGRAM [ARG...]

PROGRAM drives the probe enclave, which needs 2 MiB; what it is to do is added to its arguments.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile

EPC_PAGES = 256  # 1M: half of what the enclave needs
PROCESS_ONLY = {"pid", "program", "mechanism", "page_bytes", "epc_size_pages", "epc_peak_pages", "backing_limit_pages",
                "overcommit_percent", "backing_peak_pages", "backing_pcmd_peak_pages", "limit_hit"}
COUNTERS = {"enclaves_created", "enclaves_left", "epc_used_pages", "backing_used_pages", "backing_contents_pages",
            "backing_pcmd_pages", "backing_recycled_pages", "faults", "ewb_pages", "eldu_pages", "fault_waits",
            "write_protect_faults", "eenter", "eresume", "eexit", "aex", "events"}
EVENTS = {"max", "fail", "exchange", "oom", "poison"}

softsgx, *probe = [os.path.abspath(arg) if os.path.exists(arg) else arg for arg in sys.argv[1:]]


def run(options, command):
    """The exit status and the statistics."""
    with tempfile.NamedTemporaryFile() as stats:
        status = subprocess.run([softsgx, "run", "--stats=json", "--stats-file", stats.name] + options + ["--"] + command,
                                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
        return status, json.load(stats)


def run_one(options, action):
    """The same of a single process with an enclave, held to what is always true."""
    status, stats = run(options, probe + action.split())
    assert len(stats["processes"]) == 1, stats
    check_laws(stats["processes"][0])
    assert stats["total"] == {key: stats["processes"][0][key] for key in COUNTERS}, stats
    return status, stats["processes"][0]


def check_laws(p):
    assert set(p) == PROCESS_ONLY | COUNTERS, set(p) ^ (PROCESS_ONLY | COUNTERS)
    assert set(p["events"]) == EVENTS, p["events"]
    parts = p["backing_contents_pages"] + p["backing_pcmd_pages"] + p["backing_recycled_pages"]
    assert p["backing_used_pages"] == parts, p
    assert p["backing_limit_pages"] is None or p["backing_peak_pages"] <= p["backing_limit_pages"], p
    assert p["epc_used_pages"] <= p["epc_peak_pages"] <= p["epc_size_pages"], p
    assert p["eldu_pages"] <= p["ewb_pages"], p
    assert p["events"]["oom"] == p["events"]["poison"] == 0, p
    # 32 pages share one page of PCMD, and the slots are dense.
    assert p["backing_pcmd_peak_pages"] <= p["backing_peak_pages"] // 33 + 1, p
    if p["enclaves_left"] == 0:
        assert p["backing_used_pages"] == 0, p


def paging(mechanism):
    status, p = run_one(["--epc=1M", "--mechanism", mechanism], "touch 2 200 2000")
    assert status == 0
    assert p["mechanism"] == mechanism and p["page_bytes"] == 4096
    assert p["epc_size_pages"] == EPC_PAGES and p["backing_limit_pages"] == EPC_PAGES * 3 // 2, p
    assert p["overcommit_percent"] == 150 and p["enclaves_created"] == 1, p
    assert p["epc_peak_pages"] > EPC_PAGES * 3 // 4, p
    assert p["ewb_pages"] > EPC_PAGES and p["faults"] > 100 and p["eldu_pages"] > 100, p
    assert p["backing_pcmd_peak_pages"] > 0, p
    assert p["eenter"] > 0 and p["eenter"] + p["eresume"] == p["eexit"] + p["aex"], p
    assert p["events"]["fail"] == 0, p


def no_paging_where_all_fits():
    status, p = run_one(["--epc=8M"], "touch 2 200 2000")
    assert status == 0
    assert p["ewb_pages"] == p["eldu_pages"] == p["backing_peak_pages"] == 0, p
    assert p["events"] == dict.fromkeys(EVENTS, 0) and p["limit_hit"] is None, p


def limits():
    status, p = run_one(["--epc=1M", "--overcommit=0"], "echo 5")
    assert status == 1 and p["events"]["fail"] > 0 and p["ewb_pages"] == 0 and p["limit_hit"], p
    assert p["backing_limit_pages"] == p["backing_peak_pages"] == 0, p
    status, p = run_one(["--epc=1M", "--overcommit=-1", "--backing-max=64K"], "echo 5")
    assert status == 1 and p["events"]["fail"] > 0 and p["backing_limit_pages"] == 16, p
    assert p["overcommit_percent"] == -1, p
    status, p = run_one(["--epc=1M", "--overcommit=-1"], "echo 5")
    assert status == 0 and p["backing_limit_pages"] is None and p["events"]["max"] == 0, p


def several_processes():
    status, stats = run(["--epc=1M"], ["sh", "-c", '"$@" & "$@"; wait', "sh"] + probe + "touch 1 150 500".split())
    assert status == 0 and len(stats["processes"]) == 2, stats
    for p in stats["processes"]:
        check_laws(p)
    for key in COUNTERS - {"events"}:
        assert stats["total"][key] == sum(p[key] for p in stats["processes"]), (key, stats)
    assert set(stats["total"]) == COUNTERS, stats


def sudden_death():
    """Numbers of a killed process are there, and not those of its beginning."""
    delay = 0.2
    while True:
        script = '"$@" & sleep %f; kill -9 $!; kill -9 $$' % delay
        status, stats = run(["--epc=1M"], ["sh", "-c", script, "sh"] + probe + "touch 2 200 100000000".split())
        assert status == -signal.SIGKILL and stats["exit_signal"] == signal.SIGKILL, (status, stats)
        if stats["total"]["faults"] > 1000:
            break
        delay *= 2
        assert delay < 30, stats
    check_laws(stats["processes"][0])
    assert stats["processes"][0]["enclaves_left"] == 1, stats


def guard_works():
    return subprocess.run([softsgx, "run", "--mechanism=guard", "true"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def main():
    paging("sigbus")
    if guard_works():
        paging("guard")
    else:
        print("skipped: guard markers, which this kernel does not have")
    no_paging_where_all_fits()
    limits()
    several_processes()
    sudden_death()


if __name__ == "__main__":
    main()
