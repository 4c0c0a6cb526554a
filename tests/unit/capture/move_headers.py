#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Moves the program headers of a shared object to its end, into a segment of their own, as BOLT and
patchelf do: usage move_headers.py FROM TO."""
import struct
import sys

PT_LOAD, PT_NOTE, PT_GNU_PROPERTY = 1, 4, 0x6474E553
PAGE = 4096
PHOFF_AT, PHENTSIZE_AT = 0x20, 0x36


def main(source, target):
    with open(source, "rb") as file:
        data = bytearray(file.read())
    (offset,) = struct.unpack_from("<Q", data, PHOFF_AT)
    size, count = struct.unpack_from("<HH", data, PHENTSIZE_AT)
    headers = [
        struct.unpack_from("<IIQQQQQQ", data, offset + i * size) for i in range(count)
    ]
    spare = next(h for h in headers if h[0] in (PT_GNU_PROPERTY, PT_NOTE))
    headers.remove(spare)
    end = max(h[3] + h[6] for h in headers if h[0] == PT_LOAD)
    at = -(-len(data) // PAGE) * PAGE
    address = -(-end // PAGE) * PAGE
    last = max(i for i, h in enumerate(headers) if h[0] == PT_LOAD)
    bytes_ = count * size
    headers.insert(last + 1, (PT_LOAD, 4, at, address, address, bytes_, bytes_, PAGE))
    data[offset : offset + bytes_] = bytes(bytes_)
    data += bytes(at - len(data))
    for header in headers:
        data += struct.pack("<IIQQQQQQ", *header)
    struct.pack_into("<Q", data, PHOFF_AT, at)
    with open(target, "wb") as file:
        file.write(data)


main(*sys.argv[1:])
