# SPDX-License-Identifier: Apache-2.0
"""Small ELF files, right and wrong, made byte by byte: what the signer must accept or refuse."""
import struct

LOAD, DYNAMIC, INTERP, NOTE, TLS = 1, 2, 3, 4, 7
X, W, R = 1, 2, 4
RELATIVE = 8
DT_NULL, DT_NEEDED, DT_RELA, DT_RELASZ, DT_REL, DT_RELR = 0, 1, 7, 8, 17, 36


def note(version=1, flags=0, heap=1 << 20, stack=0, xfrm=0, tcs=0, nssa=0, miscselect=0, product=0, svn=0,
         name=b'softsgx\0', kind=1, desc_bytes=48):
    config = struct.pack('<IIQQQIIIHH4x', version, flags, heap, stack, xfrm, tcs, nssa, miscselect, product, svn)
    return struct.pack('<III', len(name), desc_bytes, kind) + name + bytes(4) + config


class Elf:
    """Segments are (type, flags, vaddr, data, memsz); the file offset is congruent to vaddr as the ABI wants it."""

    def __init__(self, segments, entry=0, machine=62, kind=3, ident=b'\x7fELF\x02\x01\x01'):
        self.segments, self.entry, self.machine, self.kind, self.ident = segments, entry, machine, kind, ident

    def build(self):
        count = len(self.segments)
        headers, body = b'', b''
        at = 64 + 56 * count
        for kind, flags, vaddr, data, memsz in self.segments:
            pad = (vaddr - at) % 4096
            body += bytes(pad) + data
            headers += struct.pack('<IIQQQQQQ', kind, flags, at + pad, vaddr, vaddr, len(data),
                                   len(data) if memsz is None else memsz, 4096)
            at += pad + len(data)
        header = self.ident.ljust(16, b'\0') + struct.pack('<HHIQQQIHHHHHH', self.kind, self.machine, 1, self.entry, 64,
                                                            0, 0, 64, 56, count, 0, 0, 0)
        return header + headers + body


def code(n=100):
    return bytes((i * 7 + 3) % 256 for i in range(n))


def text(vaddr=0, n=100, memsz=None):
    return (LOAD, R | X, vaddr, code(n), memsz)


def minimal(config=None, extra=(), **kw):
    return Elf([text(), (NOTE, R, 0x1000, note() if config is None else config, None), *extra], **kw)


def dynamic(*entries):
    return b''.join(struct.pack('<QQ', *e) for e in entries)


def relocated(relas, flags=R | W, dyn=None, target=0x2000):
    """Code, a page of data, and a relocation table with a dynamic section that names it."""
    table = b''.join(struct.pack('<QQq', *r) for r in relas)
    dyn = dyn or ((DT_RELA, 0x3000), (DT_RELASZ, len(table)), (DT_NULL, 0))
    return minimal(extra=[(LOAD, flags, target, bytes(64), 256), (LOAD, R, 0x3000, table or bytes(8), None),
                          (DYNAMIC, R | W, 0x4000, dynamic(*dyn), None)])
