# SPDX-License-Identifier: Apache-2.0
"""Running `softsgx sign` in a directory of its own, for the tests beside this file."""
import os
import subprocess
import sys
import tempfile
import unittest

SOFTSGX, BUILD_KEY = None, None


class SignerTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def path(self, name):
        return os.path.join(self.directory, name)

    def put(self, name, data):
        with open(self.path(name), 'wb') as f:
            f.write(data)
        return self.path(name)

    def get(self, name):
        with open(self.path(name), 'rb') as f:
            return f.read()

    def run_sign(self, *args, env=None):
        return subprocess.run([SOFTSGX, 'sign', *args], capture_output=True, text=True, cwd=self.directory, timeout=60,
                              env=dict(os.environ, **(env or {})))

    def sign(self, elf, *args, env=None):
        """Sign and return the SIGSTRUCT's bytes."""
        self.put('e.elf', elf)
        r = self.run_sign('e.elf', '-o', 'e.sig', '--key', BUILD_KEY, *args, env=env)
        self.assertEqual((r.returncode, r.stderr), (0, ''))
        return self.get('e.sig')

    def refuse(self, *args, status=1, says=''):
        """The command must fail with one line that contains @says, and write nothing."""
        before = sorted(os.listdir(self.directory))
        r = self.run_sign(*args)
        self.assertEqual(r.returncode, status, r.stderr)
        self.assertEqual(r.stdout, '')
        self.assertTrue(r.stderr.startswith('softsgx sign: '), r.stderr)
        self.assertEqual(r.stderr.count('\n'), 1, r.stderr)
        self.assertIn(says, r.stderr)
        self.assertEqual(sorted(os.listdir(self.directory)), before)

    def refuse_elf(self, elf, says):
        self.put('e.elf', elf)
        self.refuse('e.elf', '-o', 'e.sig', '--key', BUILD_KEY, says=says)


def main():
    global SOFTSGX, BUILD_KEY
    SOFTSGX, BUILD_KEY = (os.path.abspath(p) for p in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
