#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""MRENCLAVE as `softsgx sign` computes it is what an independent implementation of layout and measurement computes."""
import json

import elfmaker
import expected
import signer


class Measurement(signer.SignerTest):
    def same(self, elf):
        image = expected.Image(elf)
        sig = expected.Signature(self.sign(elf))
        self.assertEqual(sig.mrenclave.hex(), image.mrenclave().hex())
        return image

    def test_least_enclave(self):
        self.same(elfmaker.minimal().build())

    def test_notes(self):
        for config in (dict(heap=0), dict(heap=1), dict(heap=4096), dict(heap=4097), dict(stack=1), dict(stack=123456),
                       dict(tcs=1), dict(tcs=7), dict(nssa=1), dict(nssa=5, tcs=3), dict(xfrm=7), dict(xfrm=0xe7),
                       dict(miscselect=1), dict(flags=1, product=3, svn=4)):
            with self.subTest(config):
                self.same(elfmaker.minimal(elfmaker.note(**config)).build())

    def test_segments(self):
        r, w, x = elfmaker.R, elfmaker.W, elfmaker.X
        for extra in ([(elfmaker.LOAD, r, 0x2000, b'constant', None)],
                      [(elfmaker.LOAD, r | w, 0x2010, b'data', 0x3000)],
                      [(elfmaker.LOAD, r | w, 0x2000, b'', 1)],
                      [(elfmaker.LOAD, r | w | x, 0x5ff8, b'12345678', None),
                       (elfmaker.LOAD, r, 0x6000, bytes(5000), 0x2000)]):
            with self.subTest(extra):
                self.same(elfmaker.minimal(extra=extra).build())

    def test_relocations_are_measured_as_they_are_in_the_file(self):
        self.same(elfmaker.relocated([(0x2000, elfmaker.RELATIVE, 0x10)]).build())

    def test_every_measured_byte_counts(self):
        elf = bytearray(elfmaker.minimal().build())
        first = expected.Signature(self.sign(bytes(elf))).mrenclave
        at = elf.index(elfmaker.code())
        for byte in (at, at + 50, at + 99):
            elf[byte] ^= 1
            self.assertNotEqual(expected.Signature(self.sign(bytes(elf))).mrenclave, first)
            elf[byte] ^= 1
        self.assertEqual(expected.Signature(self.sign(bytes(elf))).mrenclave, first)

    def test_what_is_printed_is_what_is_written(self):
        self.put('e.elf', elfmaker.minimal(elfmaker.note(product=11, svn=12)).build())
        r = self.run_sign('e.elf', '--key', signer.BUILD_KEY, '--json')
        sig, shown = expected.Signature(self.get('e.sig')), json.loads(r.stdout)
        self.assertEqual(shown['mrenclave'], sig.mrenclave.hex())
        self.assertEqual(shown['mrsigner'], sig.mrsigner.hex())
        self.assertEqual((shown['product'], shown['svn'], shown['signature_verifies']), (11, 12, True))
        r = self.run_sign('--dump', 'e.sig')
        self.assertIn('MRENCLAVE   ' + sig.mrenclave.hex(), r.stdout)
        self.assertIn('MRSIGNER    ' + sig.mrsigner.hex(), r.stdout)


if __name__ == '__main__':
    signer.main()
