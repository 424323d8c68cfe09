#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The SIGSTRUCT: the signature verifies with the openssl command, Q1 and Q2 by Python's integers, fields as asked for."""
import json
import os
import stat
import subprocess

import elfmaker
import expected
import signer


def openssl(*args):
    return subprocess.run(['openssl', *args], capture_output=True, check=True).stdout


class Fields(signer.SignerTest):
    def make(self, *args, config=None, env=None):
        return expected.Signature(self.sign(elfmaker.minimal(config).build(), *args, env=env))

    def test_constants(self):
        sig = self.make()
        self.assertEqual(sig.header.hex(), '06000000e10000000000010000000000')
        self.assertEqual(sig.header2.hex(), '01010000600000006000000001000000')
        self.assertEqual((sig.vendor, sig.exponent), (0, 3))

    def test_defaults_come_from_the_note(self):
        sig = self.make(config=elfmaker.note(flags=1, product=300, svn=4, xfrm=0xe7, miscselect=1))
        self.assertEqual((sig.product, sig.svn, sig.attributes, sig.xfrm, sig.miscselect), (300, 4, 6, 0xe7, 1))
        self.assertEqual((sig.attributemask, sig.xfrmmask, sig.miscmask), (2**64 - 1, 2**64 - 1, 2**32 - 1))

    def test_options_override_the_note(self):
        config = elfmaker.note(flags=1, product=300, svn=4)
        sig = self.make('--product', '65535', '--svn', '0', '--production', '--date', '2031-07-09', config=config)
        self.assertEqual((sig.product, sig.svn, sig.attributes, sig.date), (65535, 0, 4, 0x20310709))
        self.assertEqual(self.make('--debug').attributes, 6)

    def test_date_can_be_reproduced(self):
        self.assertEqual(self.make(env={'SOURCE_DATE_EPOCH': '951782400'}).date, 0x20000229)

    def test_same_input_same_output(self):
        env = {'SOURCE_DATE_EPOCH': '951782400'}
        self.assertEqual(self.make(env=env).raw, self.make(env=env).raw)


class Cryptography(signer.SignerTest):
    def test_openssl_verifies_the_signature(self):
        sig = expected.Signature(self.sign(elfmaker.minimal().build()))
        self.put('data', sig.signed)
        self.put('signature', sig.signature.to_bytes(384, 'big'))
        public = self.put('public.pem', openssl('pkey', '-in', signer.BUILD_KEY, '-pubout'))
        out = openssl('dgst', '-sha256', '-verify', public, '-signature', self.path('signature'), self.path('data'))
        self.assertEqual(out, b'Verified OK\n')
        modulus = openssl('rsa', '-in', signer.BUILD_KEY, '-noout', '-modulus')
        self.assertEqual(int(modulus.split(b'=')[1], 16), sig.modulus)

    def test_quotients(self):
        sig = expected.Signature(self.sign(elfmaker.minimal().build()))
        s, m = sig.signature, sig.modulus
        self.assertEqual(sig.q1, s * s // m)
        self.assertEqual(sig.q2, (s**3 - sig.q1 * s * m) // m)

    def test_dump_tells_a_broken_signature(self):
        raw = bytearray(self.sign(elfmaker.minimal().build()))
        for at in (16, 200, 600, 960, 1030, 1100, 1800):
            raw[at] ^= 4
            self.put('broken.sig', raw)
            raw[at] ^= 4
            r = self.run_sign('--dump', 'broken.sig', '--json')
            self.assertEqual(r.returncode, 0 if at == 1030 else 1, at)
            self.assertEqual(json.loads(r.stdout)['signature_verifies'], at == 1030, at)


class Keys(signer.SignerTest):
    def test_new_key_signs_and_is_private(self):
        r = self.run_sign('--generate-key', 'new.pem')
        self.assertEqual((r.returncode, r.stderr), (0, ''))
        self.assertEqual(stat.S_IMODE(os.stat(self.path('new.pem')).st_mode), 0o600)
        text = openssl('rsa', '-in', self.path('new.pem'), '-noout', '-text').decode()
        self.assertIn('3072 bit', text)
        self.assertIn('publicExponent: 3 (0x3)', text)
        self.put('e.elf', elfmaker.minimal().build())
        self.assertEqual(self.run_sign('e.elf', '--key', 'new.pem').returncode, 0)
        self.assertEqual(len(self.get('e.sig')), 1808)

    def test_key_is_never_overwritten(self):
        self.put('old.pem', b'precious')
        self.refuse('--generate-key', 'old.pem', says='exists already')
        self.assertEqual(self.get('old.pem'), b'precious')

    def test_link_is_not_followed(self):
        os.symlink(self.path('elsewhere'), self.path('link.pem'))
        self.refuse('--generate-key', 'link.pem', says='exists already')

    def refuse_key(self, says):
        self.put('e.elf', elfmaker.minimal().build())
        self.refuse('e.elf', '-o', 'e.sig', '--key', 'k.pem', says=says)

    def test_wrong_keys(self):
        made = (('2048', '3', '2048 bits'), ('3072', '65537', 'exponent'), ('4096', '3', '4096 bits'))
        for bits, exponent, says in made:
            with self.subTest(says):
                openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:' + bits, '-pkeyopt',
                        'rsa_keygen_pubexp:' + exponent, '-out', self.path('k.pem'))
                self.refuse_key(says)

    def test_other_files(self):
        self.refuse_key('--generate-key')
        self.put('k.pem', openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'))
        self.refuse_key('not an RSA key')
        self.put('k.pem', b'not a key at all')
        self.refuse_key('no private key')
        self.put('k.pem', openssl('pkey', '-in', signer.BUILD_KEY, '-pubout'))
        self.refuse_key('no private key')
        self.put('k.pem', openssl('pkey', '-in', signer.BUILD_KEY, '-aes128', '-passout', 'pass:secret'))
        self.refuse_key('passphrase')


if __name__ == '__main__':
    signer.main()
