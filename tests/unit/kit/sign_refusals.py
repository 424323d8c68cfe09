#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is no enclave, or a broken one, is refused with one line that says what is wrong, and nothing is written."""
import os
import random

import elfmaker as em
import expected
import signer


class NotAnEnclave(signer.SignerTest):
    def test_other_files(self):
        self.refuse_elf(b'', 'is empty')
        self.refuse_elf(b'\x7fEL', 'not an ELF file')
        self.refuse_elf(b'#!/bin/sh\necho no enclave at all, but long enough to be a header of one\n', 'not an ELF file')
        self.refuse_elf(em.minimal(ident=b'\x7fELF\x01\x01\x01').build(), 'not for x86-64')
        self.refuse_elf(em.minimal(ident=b'\x7fELF\x02\x02\x01').build(), 'not for x86-64')
        self.refuse_elf(em.minimal(machine=183).build(), 'not for x86-64')
        self.refuse_elf(em.minimal(kind=2).build(), 'not position-independent')
        self.refuse_elf(em.minimal(kind=1).build(), 'not position-independent')

    def test_missing_file_and_directory(self):
        self.refuse('missing.elf', '--key', signer.BUILD_KEY, says='cannot open missing.elf')
        os.mkdir(self.path('directory'))
        self.refuse('directory', '--key', signer.BUILD_KEY, says='not a regular file')

    def test_ordinary_program(self):
        with open('/proc/self/exe', 'rb') as f:
            self.refuse_elf(f.read(), 'link')

    def test_notes(self):
        self.refuse_elf(em.Elf([em.text()]).build(), 'no enclave note')
        self.refuse_elf(em.minimal(em.note(name=b'somebody')).build(), 'no enclave note')
        self.refuse_elf(em.minimal(em.note(kind=2)).build(), 'no enclave note')
        self.refuse_elf(em.minimal(em.note()[:60]).build(), 'no enclave note')
        self.refuse_elf(em.minimal(em.note(version=2)).build(), 'another version of the kit')
        self.refuse_elf(em.minimal(em.note(desc_bytes=40)).build(), 'another version of the kit')


class Sizes(signer.SignerTest):
    def test_configuration(self):
        for config, says in ((dict(heap=1 << 41), 'heap'), (dict(heap=2**64 - 1), 'heap'),
                             (dict(stack=2 << 30), 'stacks'), (dict(stack=2**64 - 4096), 'stacks'),
                             (dict(tcs=1025), 'threads'), (dict(tcs=2**32 - 1), 'threads'),
                             (dict(nssa=65), 'SSA frames'), (dict(xfrm=4), 'XFRM'), (dict(xfrm=1 << 18 | 3), 'XFRM'),
                             (dict(flags=2), 'flags'), (dict(miscselect=2), 'MISCSELECT')):
            with self.subTest(config):
                self.refuse_elf(em.minimal(em.note(**config)).build(), says)

    def test_segments(self):
        rw = em.R | em.W
        for extra, says in (((em.LOAD, rw, 0x2000, b'x', 1 << 40), 'beyond 1024 MiB'),
                            ((em.LOAD, rw, 1 << 62, b'x', None), 'beyond 1024 MiB'),
                            ((em.LOAD, rw, 0x2000, b'x', 2**64 - 1), 'beyond 1024 MiB'),
                            ((em.LOAD, rw, 2**64 - 4096, b'x', 8192), 'beyond 1024 MiB'),
                            ((em.LOAD, rw, 0x2000, b'long', 2), 'truncated'),
                            ((em.LOAD, em.W, 0x2000, b'x', None), 'not readable'),
                            ((em.LOAD, rw, 0x10, b'x', None), 'shares a page'),
                            ((em.LOAD, rw, 0, b'x', None), 'shares a page')):
            with self.subTest(says, extra=extra[2]):
                self.refuse_elf(em.minimal(extra=[extra]).build(), says)

    def test_segment_count(self):
        extra = [(em.LOAD, em.R, 0x2000 * (i + 1), b'x', None) for i in range(16)]
        self.refuse_elf(em.minimal(extra=extra).build(), 'segments')


class Linking(signer.SignerTest):
    def test_entry_point(self):
        for entry in (0x2000, 1 << 40, 2**64 - 1, 0x1000):
            self.refuse_elf(em.minimal(entry=entry).build(), 'entry point')
        self.refuse_elf(em.Elf([(em.LOAD, em.R, 0, em.code(), None), (em.NOTE, em.R, 0x1000, em.note(), None)]).build(),
                        'entry point')

    def test_what_only_a_dynamic_linker_can_do(self):
        self.refuse_elf(em.minimal(extra=[(em.INTERP, em.R, 0x2000, b'/lib/ld.so\0', None)]).build(), 'dynamic linker')
        self.refuse_elf(em.minimal(extra=[(em.TLS, em.R, 0x2000, b'', 8)]).build(), 'thread-local')
        for tag, says in ((em.DT_NEEDED, 'shared library'), (em.DT_REL, 'relocations'), (em.DT_RELR, 'relocations')):
            self.refuse_elf(em.relocated([], dyn=((tag, 1), (em.DT_NULL, 0))).build(), says)
        self.refuse_elf(em.relocated([], dyn=((em.DT_RELA, 0x3000),)).build(), 'no end')

    def test_relocations(self):
        self.refuse_elf(em.relocated([(0x2000, 1 << 32 | 6, 0)]).build(), 'nobody defines')
        self.refuse_elf(em.relocated([(0x10, em.RELATIVE, 0)]).build(), 'may not write')
        self.refuse_elf(em.relocated([(0x2ffc, em.RELATIVE, 0)]).build(), 'may not write')
        self.refuse_elf(em.relocated([(1 << 63, em.RELATIVE, 0)]).build(), 'may not write')
        self.refuse_elf(em.relocated([(0x2000, em.RELATIVE, 0)], flags=em.R).build(), 'may not write')
        for table in ((0x3000, 1 << 40), (0x3000, 25), (1 << 63, 24), (0x9000, 24), (2**64 - 8, 24)):
            dyn = ((em.DT_RELA, table[0]), (em.DT_RELASZ, table[1]), (em.DT_NULL, 0))
            self.refuse_elf(em.relocated([(0x2000, em.RELATIVE, 0)], dyn=dyn).build(), 'relocation table')


class Damage(signer.SignerTest):
    def test_truncation(self):
        """Cut anywhere, the file is refused."""
        elf = em.relocated([(0x2000, em.RELATIVE, 0x10)]).build()
        whole = expected.Signature(self.sign(elf)).mrenclave
        os.unlink(self.path('e.sig'))
        for length in [*range(0, 420, 3), *range(420, len(elf), 501)]:
            self.put('e.elf', elf[:length])
            r = self.run_sign('e.elf', '-o', 'e.sig', '--key', signer.BUILD_KEY)
            self.assertEqual((r.returncode, r.stdout), (1, ''), length)
            self.assertEqual(r.stderr.count('\n'), 1, r.stderr)
            self.assertFalse(os.path.exists(self.path('e.sig')))
        self.assertEqual(expected.Signature(self.sign(elf)).mrenclave, whole)

    def test_random_damage(self):
        """Random bytes in the headers: refused in one line or signed, but never a crash."""
        rng = random.Random(1)
        elf = em.relocated([(0x2000, em.RELATIVE, 0x10)]).build()
        self.put('e.elf', elf)
        for _ in range(150):
            damaged = bytearray(elf)
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(16, 64 + 56 * 5)
                damaged[at] = rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
            self.put('e.elf', damaged)
            r = self.run_sign('e.elf', '-o', 'e.sig', '--key', signer.BUILD_KEY)
            self.assertIn(r.returncode, (0, 1), r.stderr)
            self.assertEqual(r.stderr.count('\n'), r.returncode, r.stderr)


class Signatures(signer.SignerTest):
    def test_dump_refuses_what_is_no_sigstruct(self):
        raw = self.sign(em.minimal().build())
        for data, says in ((b'', '1808 bytes'), (raw[:-1], '1808 bytes'), (raw + b'x', '1808 bytes'),
                           (bytes(1808), 'headers'), (raw[:24] + b'\0' + raw[25:], 'headers')):
            self.put('x.sig', data)
            self.refuse('--dump', 'x.sig', says=says)
        self.refuse('--dump', 'missing.sig', says='cannot read')


class CommandLine(signer.SignerTest):
    def test_misuse(self):
        self.put('e.elf', em.minimal().build())
        self.refuse(status=2, says='one thing to do')
        self.refuse('e.elf', status=2, says='--key')
        self.refuse('e.elf', 'f.elf', '--key', signer.BUILD_KEY, status=2, says='too many')
        self.refuse('e.elf', '--dump', 'x', status=2, says='one thing')
        self.refuse('e.elf', '--key', signer.BUILD_KEY, '--debug', '--production', status=2, says='exclude')
        self.refuse('e.elf', '--key', signer.BUILD_KEY, '--product', '65536', status=2, says='65535')
        for date in ('2024-02-30', '2024-2-3', 'today', '2024-13-01', '20240203'):
            self.refuse('e.elf', '--key', signer.BUILD_KEY, '--date', date, status=2, says='YYYY-MM-DD')

    def test_output_that_cannot_be_written(self):
        self.put('e.elf', em.minimal().build())
        self.refuse('e.elf', '--key', signer.BUILD_KEY, '-o', 'nowhere/e.sig', says='cannot write nowhere/e.sig')

    def test_old_signature_survives_a_failure(self):
        self.put('e.elf', b'no enclave')
        self.put('e.sig', b'the old one')
        self.refuse('e.elf', '--key', signer.BUILD_KEY, says='not an ELF file')
        self.assertEqual(self.get('e.sig'), b'the old one')


if __name__ == '__main__':
    signer.main()
