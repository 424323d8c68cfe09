#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The wordindex example as a user meets it: its figures against a third count, a full heap, warnings, misuse."""
import collections
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import unittest

SOFTSGX, WORDINDEX, SMALL_ENCLAVE, INPUT = sys.argv[1:5]
PLATFORM = [SOFTSGX, 'run', '--epc', '4M', '--overcommit', '5000', '--']


def run(*args, platform=PLATFORM):
    return subprocess.run([*platform, WORDINDEX, *args], capture_output=True, text=True, timeout=100)


def count(paths):
    words = collections.Counter()
    for path in paths:
        with open(path, 'rb') as f:
            for word in re.findall(rb'[A-Za-z0-9_]+', f.read()):
                words.update(word[i:i + 255] for i in range(0, len(word), 255))
    return words


class WordIndex(unittest.TestCase):
    def files(self):
        return [os.path.join(d, f) for d, _, names in os.walk(INPUT) for f in names]

    def test_figures_are_right(self):
        words = count(self.files())
        r = run('--json', '--threads', '4', INPUT)
        self.assertEqual((r.returncode, r.stderr), (0, ''))
        shown = json.loads(r.stdout)
        self.assertEqual((shown['words'], shown['postings']), (len(words), words.total()))
        self.assertEqual((shown['files'], shown['full'], shown['mismatches']), (len(self.files()), False, 0))
        self.assertEqual(shown['verified_postings'], words.total())
        top = sorted(words.items(), key=lambda w: (-w[1], w[0]))[:10]
        self.assertEqual([(w['word'].encode(), w['count']) for w in shown['top']], top)

    def test_full_heap_is_reported_and_verified(self):
        r = run('--json', '--enclave', SMALL_ENCLAVE, INPUT)
        self.assertEqual((r.returncode, r.stderr), (0, ''))
        shown = json.loads(r.stdout)
        self.assertTrue(shown['full'])
        self.assertLess(shown['files'], shown['files_listed'])
        self.assertGreater(shown['postings'], 1000)
        self.assertIn('index full after', run('--enclave', SMALL_ENCLAVE, INPUT).stdout)

    def test_borders(self):
        with tempfile.TemporaryDirectory() as d:
            texts = [b'', b'x', b'_' * 255, b'_' * 256, b'y' * 1000, b' ' * (64 << 10) + b'after', b'\0a\0b\xffc',
                     b'z' * (64 << 10), b' ' * ((64 << 10) - 3) + b'straddles', b'w' * ((1 << 20) + 5)]
            for i, text in enumerate(texts):
                with open(os.path.join(d, str(i)), 'wb') as f:
                    f.write(text)
            words = count(os.path.join(d, str(i)) for i in range(len(texts)))
            shown = json.loads(run('--json', d).stdout)
            self.assertEqual((shown['words'], shown['postings']), (len(words), words.total()))
            self.assertEqual((shown['mismatches'], shown['failed']), (0, False))

    def test_unreadable_files_are_passed_over(self):
        with tempfile.TemporaryDirectory() as d:
            with open(os.path.join(d, 'good'), 'w') as f:
                f.write('just three words')
            os.symlink('/nowhere', os.path.join(d, 'dangling'))
            os.mkfifo(os.path.join(d, 'pipe'))
            r = run('--json', '/proc/self/mem', d)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertRegex(r.stderr, r'^wordindex: /proc/self/mem: [^\n]+\n$')
            self.assertEqual(json.loads(r.stdout)['postings'], 3)

    def test_nothing_readable_is_no_success(self):
        r = run('/proc/self/mem')
        self.assertEqual((r.returncode, r.stdout), (1, ''))
        self.assertRegex(r.stderr, r'^wordindex: /proc/self/mem: [^\n]+\nwordindex: none of the files could be read\n$')

    def test_lost_output_is_no_success(self):
        with open('/dev/full', 'w', encoding='ascii') as full:
            r = subprocess.run([*PLATFORM, WORDINDEX, __file__], stdout=full, stderr=subprocess.PIPE, text=True,
                               timeout=100, check=False)
        self.assertEqual((r.returncode, r.stderr),
                         (1, 'wordindex: standard output could not be written: No space left on device\n'))

    def on_terminal(self, term):
        """What a run on a terminal of that kind shows: progress goes to standard error."""
        master, slave = pty.openpty()
        process = subprocess.Popen([*PLATFORM, WORDINDEX, INPUT], stdout=subprocess.DEVNULL, stderr=slave,
                                   env={**os.environ, 'TERM': term})
        os.close(slave)
        shown = b''
        try:
            while data := os.read(master, 4096):
                shown += data
        except OSError:  # the last writer has gone
            pass
        os.close(master)
        self.assertEqual(process.wait(100), 0)
        return shown

    def test_progress_is_for_terminals_that_can_erase(self):
        self.assertIn(b'\r\033[Kindexing: ', self.on_terminal('xterm'))
        self.assertEqual(self.on_terminal('dumb'), b'')

    def refuse(self, *args, status, says, platform=PLATFORM):
        r = run(*args, platform=platform)
        self.assertEqual((r.returncode, r.stdout), (status, ''), r.stderr)
        self.assertIn(says, r.stderr)
        self.assertTrue(r.stderr.startswith('wordindex: '), r.stderr)
        self.assertEqual(r.stderr.count('\n'), 1, r.stderr)

    def test_refusals(self):
        self.refuse('/no/such/place', status=1, says='/no/such/place: No such file')
        self.refuse('--threads', '17', INPUT, status=2, says='1 to 16')
        self.refuse('--top', 'many', INPUT, status=2, says='0 to 100')
        self.refuse('--bogus', status=2, says='bogus')
        self.refuse('--enclave', '/no/such.elf', INPUT, status=1, says='cannot open /no/such.elf')
        self.refuse(INPUT, status=1, says='--overcommit', platform=[SOFTSGX, 'run', '--epc', '4M', '--'])
        if not os.path.exists('/dev/sgx_enclave'):
            self.refuse(INPUT, status=1, says='softsgx run', platform=[])
        with tempfile.TemporaryDirectory() as d:
            self.refuse(d, status=1, says='no files')

    def test_help(self):
        r = run('--help', platform=[])
        self.assertEqual((r.returncode, r.stderr), (0, ''))
        for word in ('--threads', '--top', '--json', '--enclave', 'softsgx run'):
            self.assertIn(word, r.stdout)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + sys.argv[5:], verbosity=2)
