#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Known answers for measurement and signature, from an independent implementation.

Measures a small enclave with hashlib and signs SIGSTRUCTs for it with the openssl command line and a key made for
this build; Q1 and Q2 are Python integers. Written as a C header. The enclave is the one in enclave.h beside this file.
"""

import hashlib
import os
import struct
import subprocess
import sys
import tempfile

PAGE = 4096
RSA_BYTES = 384

ENCLAVE_SIZE = 0x10000
SSA_FRAME_PAGES = 1

R, W, X = 1, 2, 4
TCS, REG = 1 << 8, 2 << 8

INIT, DEBUG, MODE64BIT, KSS = 1, 2, 4, 0x80


def page_bytes(number):
    """Contents of REG page @number, as test_page_fill() in enclave.h makes them."""
    return bytes((7 * i + 13 * number + (i >> 8)) & 0xFF for i in range(PAGE))


def tcs_bytes():
    """The TCS as it is after EADD: STATE, DBGOPTIN, CSSA and AEP are zero whatever software put there."""
    return struct.pack("<QQQIIQQQQII", 0, 0, 0x4000, 0, 2, 0x1000, 0, 0x2000, 0x3000, 0xFFF, 0xFFF).ljust(PAGE, b"\0")


# offset, SECINFO.FLAGS as measured, contents, 256-byte chunks that are measured
PAGES = [
    (0x0000, TCS, tcs_bytes(), range(16)),
    (0x1000, REG | R | X, page_bytes(1), range(16)),
    (0x2000, REG | R | W, page_bytes(2), []),
    (0x3000, REG | R | W, page_bytes(3), [0, 5, 15]),
    (0x4000, REG | R | W, page_bytes(4), []),
    (0x5000, REG | R | W, page_bytes(5), []),
]


def measure():
    h = hashlib.sha256()
    h.update(b"ECREATE\0" + struct.pack("<IQ", SSA_FRAME_PAGES, ENCLAVE_SIZE) + bytes(44))
    for offset, flags, contents, chunks in PAGES:
        h.update(b"EADD\0\0\0\0" + struct.pack("<QQ", offset, flags) + bytes(40))
        for chunk in chunks:
            at = 256 * chunk
            h.update(b"EEXTEND\0" + struct.pack("<Q", offset + at) + bytes(48))
            h.update(contents[at : at + 256])
    return h.digest()


class Key:
    def __init__(self, directory, name):
        self.path = os.path.join(directory, name)
        self.run("genrsa", "-3", "-out", self.path, "3072")
        text = self.run("rsa", "-in", self.path, "-noout", "-modulus").decode()
        self.modulus = int(text.strip().split("=")[1], 16)

    @staticmethod
    def run(*args, stdin=None):
        return subprocess.run(["openssl", *args], input=stdin, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout

    def sign(self, message):
        """S as an integer; checked with the public key by openssl itself."""
        signature = self.run("dgst", "-sha256", "-sign", self.path, stdin=message)
        with tempfile.NamedTemporaryFile() as f:
            f.write(signature)
            f.flush()
            self.run("dgst", "-sha256", "-prverify", self.path, "-signature", f.name, stdin=message)
        return int.from_bytes(signature, "big")


def le(number):
    return number.to_bytes(RSA_BYTES, "little")


def sigstruct(key, *, attributes=(MODE64BIT, 3), attribute_mask=(0, 0), misc=(0, 0), enclave_hash=None,
              family=bytes(16), product=bytes(16), vendor=0, exponent=3):
    head = bytes.fromhex("06000000E10000000000010000000000") + struct.pack("<II", vendor, 0x20240229)
    head += bytes.fromhex("01010000600000006000000001000000") + bytes(4 + 84)
    body = struct.pack("<II", *misc) + bytes(4) + family + struct.pack("<QQQQ", *attributes, *attribute_mask)
    body += (enclave_hash or measure()) + bytes(16) + product + struct.pack("<HH", 0x1234, 7)
    assert len(head) == 128 and len(body) == 128
    s, m = key.sign(head + body), key.modulus
    q1 = s * s // m
    q2 = (s * s * s - q1 * s * m) // m
    out = head + le(m) + struct.pack("<I", exponent) + le(s) + body + bytes(12) + le(q1) + le(q2)
    assert len(out) == 1808
    return out


def c_array(name, data):
    rows = [", ".join(f"0x{b:02x}" for b in data[i : i + 16]) for i in range(0, len(data), 16)]
    return f"static const uint8_t {name}[{len(data)}] __attribute__((unused)) = {{\n\t" + ",\n\t".join(rows) + "\n};\n"


def main():
    with tempfile.TemporaryDirectory() as directory:
        key, other = Key(directory, "key"), Key(directory, "other")
        arrays = {
            "vector_mrenclave": measure(),
            "vector_mrsigner": hashlib.sha256(le(key.modulus)).digest(),
            "vector_sig": sigstruct(key),
            "vector_sig_intel_vendor": sigstruct(key, vendor=0x8086),
            "vector_sig_other_key": sigstruct(other),
            "vector_sig_strict": sigstruct(key, attributes=(MODE64BIT, 3), attribute_mask=(~INIT % 2**64, 2**64 - 1),
                                           misc=(0, 2**32 - 1)),
            "vector_sig_wants_debug": sigstruct(key, attributes=(MODE64BIT | DEBUG, 3), attribute_mask=(DEBUG, 0)),
            "vector_sig_wants_avx": sigstruct(key, attributes=(MODE64BIT, 7), attribute_mask=(0, 4)),
            "vector_sig_wants_exinfo": sigstruct(key, misc=(1, 1)),
            "vector_sig_kss": sigstruct(key, attributes=(MODE64BIT | KSS, 3), attribute_mask=(KSS, 0),
                                        family=bytes(range(16)), product=bytes(range(16, 32))),
            "vector_sig_other_enclave": sigstruct(key, enclave_hash=hashlib.sha256(b"another enclave").digest()),
        }
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write("/* Made by vectors.py with a key of this build. */\n#include <stdint.h>\n\n")
        for name, data in arrays.items():
            out.write(c_array(name, data) + "\n")


if __name__ == "__main__":
    main()
