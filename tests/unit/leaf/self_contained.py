#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Entry and exit code runs on foreign registers: its library must call nothing and use no vector register."""

import re
import subprocess
import sys


def tool(*args):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, text=True).stdout


library = sys.argv[1]
undefined = [line.split()[-1] for line in tool("nm", "-u", library).splitlines() if line.startswith(" ")]
undefined = [name for name in undefined if name != "_GLOBAL_OFFSET_TABLE_"]
code = tool("objdump", "-d", "--no-show-raw-insn", library)
vector = [line.strip() for line in code.splitlines() if re.search(r"%([xyz]?mm|st|k)\d", line)]
fs = [line.strip() for line in code.splitlines() if "%fs:" in line]
assert "<enclu_aex>:" in code, "not the library that was meant"
for what, found in (("undefined symbols", undefined), ("vector registers", vector), ("thread-local storage", fs)):
    if found:
        print(f"{what} in {library}:", *found, sep="\n  ")
sys.exit(1 if undefined or vector or fs else 0)
