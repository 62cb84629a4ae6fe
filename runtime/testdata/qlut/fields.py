"""FORMAT.md, "Structure of a file" and "Field types"."""

import numpy as np

INT32 = (-(1 << 31), (1 << 31) - 1)
DIM = 1 << 24       # largest dimension, stride or number of elements of a tensor


class Invalid(Exception):
    """What is wrong with a file, in one line."""


def need(ok, fault):
    if not ok:
        raise Invalid(fault)


def within(value, lo, hi, what):
    """Returns value, which must be in lo..hi."""
    if not lo <= value <= hi:
        raise Invalid(f"{what} is {value}, want {lo}..{hi}")
    return value


# Structure of a file

KNOWN = ("TNSR", "BOOK", "STEP", "PORT", "INPS", "STAT", "CODE", "LOOP", "BIAS", "WGTS", "shft", "norm", "feat", "labl", "prov", "test", "DONE")
REQUIRED = ("TNSR", "PORT", "CODE", "DONE")


def crc32c_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


def crc32c(data, table=crc32c_table()):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def chunks(file):
    """Splits a file into its version and its known chunks: {id: (offset of the payload, payload)}."""
    within(len(file), 10, 1 << 30, "number of bytes")
    need(file[:8] == b"\x89QLT\r\n\x1a\n", "not a .qlut file")
    version = within(int.from_bytes(file[8:10], "little"), 1, 3, "version")
    frames, at = [], 10
    while at < len(file):
        need(len(file) - at >= 12, f"byte {at}: the file ends within a chunk")
        length = int.from_bytes(file[at + 4:at + 8], "little")
        within(length, 0, len(file) - at - 12, f"byte {at}: length of a chunk")
        end = at + 8 + length
        need(crc32c(file[at:end]) == int.from_bytes(file[end:end + 4], "little"), f"byte {at}: wrong checksum")
        frames.append((file[at:at + 4], at + 8, file[at + 8:end]))
        at = end + 4
    need(len(frames) > 0 and frames[-1][0] == b"DONE", "the last chunk is not DONE")
    known, last = {}, -1
    for name, start, payload in frames:
        need(name.isalpha(), f"byte {start - 8}: the id {name!r} is not four letters")
        name = name.decode()
        if name in KNOWN:
            need(KNOWN.index(name) > last, f"byte {start - 8}: chunk {name} is out of order")
            last = KNOWN.index(name)
            known[name] = start, payload
        else:
            need(name[0].islower(), f"byte {start - 8}: chunk {name} is of a newer version")
    for name in REQUIRED:
        need(name in known, f"there is no chunk {name}")
    need(not known["DONE"][1], "chunk DONE has a payload")
    return version, known


# Field types

class Bits:
    """A string of bits, lowest first."""

    def __init__(self, data):
        self.data, self.at, self.bits, self.held = data, 0, 0, 0

    def get(self, n):
        while self.held < n:
            need(self.at < len(self.data), "the bits end early")
            self.bits |= self.data[self.at] << self.held
            self.at += 1
            self.held += 8
        low = self.bits & (1 << n) - 1
        self.bits >>= n
        self.held -= n
        return low

    def end(self):
        need(self.at == len(self.data) and self.held < 8 and self.bits == 0, "bits are left over")


def unpack(data, n, width):
    """n numbers of width bits each, which fill data but for zeros at its end."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    need(not bits[n * width:].any(), "the bits that fill up the last byte are not 0")
    return bits[:n * width].reshape(n, width) @ (1 << np.arange(width, dtype=np.int64))


class Fields:
    """The fields of a chunk, one after the other. entries is how many of lists and tables the file may still hold."""

    def __init__(self, data, entries):
        self.data, self.at, self.entries = data, 0, entries

    def bytes(self, n):
        need(n <= len(self.data) - self.at, f"the chunk ends within a field of {n} bytes")
        self.at += n
        return self.data[self.at - n:self.at]

    def uint(self, size, what, lo=0, hi=0xFFFFFFFF):
        return within(int.from_bytes(self.bytes(size), "little"), lo, hi, what)

    def uvarint(self, what, lo=0, hi=0xFFFFFFFF):
        value = 0
        for shift in range(0, 35, 7):
            byte = self.bytes(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                need(byte > 0 or shift == 0, f"{what} has more bytes than it needs")
                return within(value, lo, hi, what)
        raise Invalid(f"{what} has more than 5 bytes")

    def varint(self, what, lo, hi):
        u = self.uvarint(what, hi=(1 << 35) - 1)
        return within(-(u + 1 >> 1) if u & 1 else u >> 1, lo, hi, what)

    def string(self, what):
        try:
            return self.bytes(self.uvarint("length of " + what, hi=1024)).decode()
        except UnicodeDecodeError:
            raise Invalid(what + " is not UTF-8") from None

    def count(self, n):
        self.entries -= n
        need(self.entries >= 0, "more entries of lists and tables than a file of this size may hold")

    def list(self, n, what, lo=INT32[0], hi=INT32[1]):
        self.count(n)
        return self.plain_list(n, what, lo, hi)

    def plain_list(self, n, what, lo, hi):
        if n == 0:
            return np.zeros(0, np.int64)
        width = self.uint(1, "width of " + what, hi=33)
        if width == 33:
            entries = np.array([self.varint(what, lo, hi) for _ in range(n)], np.int64)
        else:
            least = self.varint("least of " + what, -1 << 34, (1 << 34) - 1)
            entries = least + unpack(self.bytes((n * width + 7) // 8), n, width)
        within(int(entries.min()), lo, hi, "an entry of " + what)
        within(int(entries.max()), lo, hi, "an entry of " + what)
        return entries

    def ascending(self, n, what):
        self.count(n)
        if n == 0:
            return np.zeros(0, np.int64)
        first = self.varint("first of " + what, *INT32)
        steps = self.plain_list(n - 1, "differences of " + what, 1, 0xFFFFFFFF)
        entries = np.cumsum(np.concatenate(([first], steps)))
        within(int(entries[-1]), *INT32, "the last of " + what)
        return entries

    def table(self, n, what, last):
        """A table of n whose entries are at most last."""
        self.count(n)
        form = self.uint(1, "form of " + what, hi=2)
        if form == 0:
            within(n, 0, 256, "number of entries of " + what)
            entries = np.arange(n)
        elif form == 1:
            entries = np.frombuffer(self.bytes(n), np.uint8)
        else:
            first = self.uint(1, "first of " + what)
            entries = np.cumsum(np.concatenate(([first], self.plain_list(n - 1, "differences of " + what, -255, 255))))
        within(int(entries.min()), 0, last, "an entry of " + what)
        within(int(entries.max()), 0, last, "an entry of " + what)
        return entries.astype(np.uint8)
