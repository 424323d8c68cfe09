#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What kit/README.md shows works as it stands there: a project of one's own, built, signed and run by its commands.

usage: own_project.py SOFTSGX SOURCE
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

SOFTSGX, SOURCE = map(os.path.abspath, sys.argv[1:3])


def blocks():
    """The README's code, in order: (language, text)."""
    with open(os.path.join(SOURCE, 'kit/README.md'), encoding='utf-8') as f:
        return re.findall(r'^```(\w+)\n(.*?)^```$', f.read(), re.M | re.S)


class OwnProject(unittest.TestCase):
    def test_readme(self):
        code = blocks()
        self.assertEqual([language for language, _ in code], ['meson', 'c', 'c', 'sh'])
        with tempfile.TemporaryDirectory() as d:
            for name, (_, text) in zip(('meson.build', 'enclave.c', 'host.c'), code):
                with open(os.path.join(d, name), 'w', encoding='utf-8') as f:
                    f.write(text)
            os.mkdir(os.path.join(d, 'subprojects'))
            os.symlink(SOURCE, os.path.join(d, 'subprojects/softsgx'))
            path = os.path.dirname(SOFTSGX) + ':' + os.environ['PATH']
            r = subprocess.run(['sh', '-ec', code[3][1]], cwd=d, env={**os.environ, 'PATH': path}, capture_output=True,
                               text=True, timeout=200, check=False)
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        self.assertEqual(r.stdout.splitlines()[-1], '42')


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
