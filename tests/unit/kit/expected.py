#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An enclave's measurement and the parts of its SIGSTRUCT, computed independently of the C code.

The layout is the one documented in kit/image/image.h, the records are those of SDM 3D, ECREATE, EADD and EEXTEND.
"""
import hashlib
import struct

PAGE, GAP = 4096, 64 << 10
R, W, X, REG, TCS = 1, 2, 4, 2 << 8, 1 << 8


def pages_of(n):
    return (n + PAGE - 1) // PAGE


class Image:
    """The sequence of (offset, SECINFO.FLAGS, contents or None, measured) that makes the enclave in an ELF file."""

    def __init__(self, elf):
        self.elf = elf
        self.entry, phoff = struct.unpack_from('<QQ', elf, 24)
        phentsize, phnum = struct.unpack_from('<HH', elf, 54)
        self.headers = [struct.unpack_from('<IIQQQQQQ', elf, phoff + i * phentsize) for i in range(phnum)]
        self.config = self.read_note()
        self.pages = []
        self.lay_out()

    def read_note(self):
        for kind, _, offset, _, _, size, _, _ in self.headers:
            if kind == 4 and self.elf[offset + 12:offset + 20] == b'softsgx\0':
                names = 'version flags heap stack xfrm tcs nssa miscselect product svn'.split()
                return dict(zip(names, struct.unpack_from('<IIQQQIIIHH', self.elf, offset + 24)))
        raise ValueError('no note')

    def add(self, at, count, flags, contents=None, measured=False):
        for i in range(count):
            data = contents[i * PAGE:(i + 1) * PAGE] if contents is not None else None
            self.pages.append((at + i * PAGE, flags, data, measured))
        return at + count * PAGE

    def add_segments(self):
        end = 0
        for kind, flags, offset, vaddr, _, filesz, memsz, _ in self.headers:
            if kind != 1:
                continue
            start = vaddr // PAGE * PAGE
            count = pages_of(vaddr + memsz - start)
            data = bytes(vaddr - start) + self.elf[offset:offset + filesz]
            data = data.ljust(count * PAGE, b'\0')
            permissions = (R if flags & 4 else 0) | (W if flags & 2 else 0) | (X if flags & 1 else 0)
            end = self.add(start, count, permissions | REG, data, True)
        return end

    def lay_out(self):
        c = self.config
        xfrm, tcs, nssa = c['xfrm'] or 3, c['tcs'] or 1, c['nssa'] or 2
        stack, heap = pages_of(c['stack'] or 64 << 10), pages_of(c['heap'])
        heap_at = self.add_segments() + GAP
        at = self.add(heap_at, heap, R | W | REG)
        stride = GAP + (stack + 1 + 3 + nssa) * PAGE
        size = 1
        while size < at + tcs * stride:
            size *= 2
        self.size = size
        for index in range(tcs):
            stack_top = at = self.add(at + GAP, stack, R | W | REG)
            thread = at + 2 * PAGE
            data = struct.pack('<9Q', thread, stack_top, thread, xfrm, thread + 2 * PAGE, heap_at, heap * PAGE, size,
                               index)
            at = self.add(at + PAGE, 2, R | W | REG, bytes(PAGE) + data.ljust(PAGE, b'\0'), True)
            data = struct.pack('<QQQIIQQQQII', 0, 0, at + PAGE, 0, nssa, self.entry, 0, thread, thread, 0xffffffff,
                               0xffffffff)
            at = self.add(at, 1, TCS, data.ljust(PAGE, b'\0'), True)
            at = self.add(at, nssa, R | W | REG)

    def mrenclave(self):
        h = hashlib.sha256(struct.pack('<8sIQ44x', b'ECREATE\0', 1, self.size))
        for offset, flags, contents, measured in self.pages:
            h.update(struct.pack('<8sQQ40x', b'EADD\0\0\0\0', offset, flags))
            if measured:
                for at in range(0, PAGE, 256):
                    h.update(struct.pack('<8sQ48x', b'EEXTEND\0', offset + at))
                    h.update(contents[at:at + 256])
        return h.digest()


class Signature:
    """The fields of a SIGSTRUCT, SDM 3D table 35-17."""

    def __init__(self, raw):
        if len(raw) != 1808:
            raise ValueError('a SIGSTRUCT has 1808 bytes')
        self.raw = raw
        self.header, self.header2 = raw[:16], raw[24:40]
        self.vendor, self.date = struct.unpack_from('<II', raw, 16)
        self.modulus = int.from_bytes(raw[128:512], 'little')
        self.exponent, = struct.unpack_from('<I', raw, 512)
        self.signature = int.from_bytes(raw[516:900], 'little')
        self.miscselect, self.miscmask = struct.unpack_from('<II', raw, 900)
        self.attributes, self.xfrm, self.attributemask, self.xfrmmask = struct.unpack_from('<4Q', raw, 928)
        self.mrenclave = raw[960:992]
        self.product, self.svn = struct.unpack_from('<HH', raw, 1024)
        self.q1 = int.from_bytes(raw[1040:1424], 'little')
        self.q2 = int.from_bytes(raw[1424:1808], 'little')
        self.signed = raw[:128] + raw[900:1028]
        self.mrsigner = hashlib.sha256(raw[128:512]).digest()
