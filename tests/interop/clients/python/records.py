"""The records that the interop tests produce and expect back: the same rules as `../records.mjs`, see `../../README.md`."""

PARTITIONS = 2
MASK = 0xFFFFFFFF


def xorshift(state):
    """One step of the xorshift32 generator."""
    state ^= (state << 13) & MASK
    state ^= state >> 17
    state ^= (state << 5) & MASK
    return state


def mix(index, salt):
    """Returns a pseudo-random number that depends only on index and salt."""
    return xorshift((index * 0x9E3779B1 + salt * 0x85EBCA6B + 1) & MASK)


def some_bytes(index, salt, length):
    """Returns binary but compressible bytes: four bytes repeat within each run of sixteen."""
    parts = []
    state = mix(index, salt)
    for at in range(0, length, 16):
        if at > 0:
            state = xorshift(state)
        parts.append(state.to_bytes(4, 'little') * 4)
    return b''.join(parts)[:length]


def make_key(index):
    if index % 5 == 0:
        return None
    return b'' if index % 5 == 1 else some_bytes(index, 1, 1 + mix(index, 2) % 40)


def make_value(index):
    if index % 11 == 3:
        return None
    if index % 11 == 7:
        return b''
    return some_bytes(index, 3, 20_000 if index % 1000 == 999 else mix(index, 4) % 300)


def make_headers(index):
    headers = []
    kind = index % 4
    if kind >= 1:
        headers.append(('text', f'record {index} é'.encode()))
    if kind >= 2:
        headers.append(('empty', b''))
    if kind == 3:
        headers += [('binary', some_bytes(index, 5, 9)), ('null', None), ('text', b'again')]
    return headers


def timestamp_of(index, base):
    """Eight records in a row share a timestamp; the next eight are 10 ms later."""
    return base + index // 8 * 10


def middle_offset(records):
    """The start offset, equal in each partition, of consuming from an offset."""
    return records // 3


def middle_timestamp(records, base):
    """A timestamp between two records, and the offset of the first record after it (equal in each partition)."""
    group = records * 3 // 32
    return base + group * 10 - 3, group * 8 // PARTITIONS


def late_timestamp(records, base):
    """A timestamp after that of every record."""
    return timestamp_of(records, base) + 1000


class Mismatch(Exception):
    """A record other than the expected one."""


class Expectation:
    """Expects the records of each partition in order, from a given offset up to the last, each exactly once."""

    def __init__(self, records, base, offsets):
        self.base = base
        self.end = records // PARTITIONS
        self.next = list(offsets)

    @property
    def remaining(self):
        return sum(self.end - offset for offset in self.next)

    def accept(self, partition, offset, timestamp, key, value, headers):
        where = f'partition {partition} offset {offset}'
        if offset != self.next[partition] or offset >= self.end:
            raise Mismatch(f'{where} arrived where {self.next[partition]} was due (end is {self.end})')
        self.next[partition] = offset + 1
        index = offset * PARTITIONS + partition
        for name, actual, expected in (
            ('timestamp', timestamp, timestamp_of(index, self.base)),
            ('key', key, make_key(index)),
            ('value', value, make_value(index)),
            ('headers', headers, make_headers(index)),
        ):
            if actual != expected:
                raise Mismatch(f'{where}: {name} {actual!r:.100}, produced with {expected!r:.100}')
