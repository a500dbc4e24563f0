"""Writes one topic of every kind that a data directory may contain, and reads them back.

`storage.py BOOTSTRAP write KIND...` writes what is named of shared (the topic of a share group), plain, compacted,
transactional and groups, and waits until what is to be compacted has been. `storage.py BOOTSTRAP read` prints a line of JSON for every record of
every topic, once as it is and once as READ_COMMITTED shows it; equal lines mean equal records. Prints `ok` at its end.
"""

import hashlib
import json
import os
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

CODECS = ('none', 'gzip', 'snappy', 'lz4', 'zstd')
BEGIN_MS = 1_700_000_000_000
# Apache Kafka allows no smaller segments.
SMALL = {'segment.bytes': '1048576'}
COMPACT = {**SMALL, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01', 'max.compaction.lag.ms': '1',
           'segment.ms': '1000'}
LIMIT_S = 60


def noise(name, number, size):
    """`size` incompressible bytes, determined by the record."""
    seed = hashlib.sha256(f'{name}-{number}'.encode()).digest()
    return b''.join(hashlib.sha256(seed + bytes([i])).digest() for i in range((size + 31) // 32))[:size]


class Writer:
    """A producer that collects rejected records."""

    def __init__(self, bootstrap, **config):
        self.refused = None
        self.producer = Producer({'bootstrap.servers': bootstrap, 'acks': 'all', 'linger.ms': 1000,
                                  'batch.num.messages': 20, 'message.timeout.ms': LIMIT_S * 1000, 'log_level': 0,
                                  **config})

    def write(self, topic, number, key=None, value=b'', partition=0, headers=None):
        while True:
            try:
                self.producer.produce(topic, value, key, partition=partition, timestamp=BEGIN_MS + number * 7,
                                      headers=headers or [], on_delivery=self.report)
                break
            except BufferError:
                self.producer.poll(0.1)
        self.producer.poll(0)

    def report(self, error, _message):
        if error is not None and self.refused is None:
            self.refused = error

    def flush(self):
        if self.producer.flush(LIMIT_S) > 0 or self.refused is not None:
            raise SystemExit(f'not written: {self.refused or "the broker does not answer"}')


def create(bootstrap, topics):
    admin = AdminClient({'bootstrap.servers': bootstrap})
    # The records are from 2023.
    keep = {'retention.ms': '-1'}
    wanted = [NewTopic(name, count, config={**keep, **config}) for name, (count, config) in topics.items()]
    for future in admin.create_topics(wanted).values():
        future.result(LIMIT_S)


def write_plain(bootstrap):
    topics = {f'plain-{codec}': (1, SMALL) for codec in CODECS}
    topics['idempotent'] = (2, SMALL)
    topics['append-time'] = (1, {'message.timestamp.type': 'LogAppendTime'})
    topics['empty'] = (1, {})
    create(bootstrap, topics)
    for codec in CODECS:
        writer = Writer(bootstrap, **{'compression.type': codec})
        for number in range(1000):
            value = None if number % 11 == 3 else noise(codec, number, 2500 if number % 3 else 40)
            headers = [('n', str(number).encode()), ('empty', b'')] if number % 5 == 0 else None
            writer.write(f'plain-{codec}', number, None if number % 4 == 0 else f'key-{number}', value, 0, headers)
        writer.flush()
    for first in (0, 300):
        writer = Writer(bootstrap, **{'enable.idempotence': True, 'batch.num.messages': 7})
        for number in range(first, first + 300):
            writer.write('idempotent', number, f'key-{number}', noise('idempotent', number, 5000), number % 2)
        writer.flush()
    writer = Writer(bootstrap)
    for number in range(50):
        writer.write('append-time', number, None, f'text {number} äöü'.encode())
    writer.flush()


def write_compacted(bootstrap):
    create(bootstrap, {'compacted': (1, COMPACT)})
    for turn in range(4):
        writer = Writer(bootstrap, **{'compression.type': CODECS[turn], 'enable.idempotence': turn % 2 == 1})
        for number in range(600):
            value = None if turn == 2 and number % 50 == 7 else noise('compacted', turn * 600 + number, 1000)
            writer.write('compacted', turn * 600 + number, f'key-{number % 200}', value)
        writer.flush()
        time.sleep(1.2)
    wait_for_compaction(bootstrap, 'compacted', 2400)


def transaction(producer, topic, first, count, commit, partition=0):
    producer.producer.begin_transaction()
    for number in range(first, first + count):
        producer.write(topic, number, f'key-{number % 30}', noise(topic, number, 900), partition)
    producer.flush()
    if commit:
        producer.producer.commit_transaction(LIMIT_S)
    else:
        producer.producer.abort_transaction(LIMIT_S)


def transactional(bootstrap, name):
    writer = Writer(bootstrap, **{'transactional.id': name, 'transaction.timeout.ms': 600_000,
                                  'compression.type': 'lz4'})
    writer.producer.init_transactions(LIMIT_S)
    return writer


def write_transactional(bootstrap):
    create(bootstrap, {'transactional': (2, SMALL), 'compacted-transactional': (1, COMPACT)})
    one, two = transactional(bootstrap, 'one'), transactional(bootstrap, 'two')
    plain = Writer(bootstrap)
    number = 0
    for turn in range(24):
        # Two concurrent transactions, one of which is aborted from time to time, and records outside of transactions.
        two.producer.begin_transaction()
        for i in range(20):
            two.write('transactional', number, f'two-{number}', noise('two', number, 1500), i % 2)
            number += 1
        two.flush()
        transaction(one, 'transactional', number, 25, turn % 3 != 1, turn % 2)
        number += 25
        plain.write('transactional', number, 'outside', b'plain', turn % 2)
        plain.flush()
        number += 1
        if turn % 4 == 2:
            two.producer.abort_transaction(LIMIT_S)
        else:
            two.producer.commit_transaction(LIMIT_S)
    for turn in range(6):
        transaction(one, 'compacted-transactional', turn * 400, 400, turn % 2 == 0)
        time.sleep(1.2)
    wait_for_compaction(bootstrap, 'compacted-transactional', 1200)
    # One stays open, so nothing after its first record is committed yet.
    two.producer.begin_transaction()
    for i in range(10):
        two.write('transactional', number + i, f'open-{i}', b'undecided', 0)
    two.flush()
    plain.write('transactional', number + 10, 'outside', b'behind the open one', 0)
    plain.flush()


class Member:
    """A member of a group that reads all records."""

    def __init__(self, bootstrap, group, topics=('grouped',), **config):
        self.seen = []
        self.group = group
        self.consumer = Consumer({'bootstrap.servers': bootstrap, 'group.id': group, 'enable.auto.commit': False,
                                  'auto.offset.reset': 'earliest', 'log_level': 0, **config})
        self.consumer.subscribe(list(topics))

    def poll(self):
        self.seen += [message for message in self.consumer.consume(10, 0.05) if message.error() is None]


def all_poll(members, done):
    deadline = time.monotonic() + LIMIT_S
    while not all(done(member) for member in members):
        if time.monotonic() > deadline:
            raise SystemExit(f'late: {[member.group for member in members if not done(member)]}')
        for member in members:
            member.poll()


def write_groups(bootstrap):
    """Groups of both protocols that commit offsets, some within a transaction; some groups are deleted."""
    create(bootstrap, {'grouped': (2, {})})
    writer = Writer(bootstrap)
    for number in range(200):
        writer.write('grouped', number, f'key-{number}', b'grouped', number % 2)
        writer.write('shared', number, f'key-{number}', b'shared')
    writer.flush()
    modern = {'group.protocol': 'consumer'}
    mixed = Member(bootstrap, 'mixed', **{'client.id': 'classic'})
    members = [
        mixed,
        Member(bootstrap, 'classic', **{'partition.assignment.strategy': 'cooperative-sticky'}),
        Member(bootstrap, 'static', **{'group.instance.id': 'one', 'client.rack': 'rack-1'}),
        Member(bootstrap, 'gone'),
        Member(bootstrap, 'modern', **modern, **{'group.instance.id': 'two', 'client.rack': 'rack-2'}),
        Member(bootstrap, 'pattern', ['^grou.*'], **modern, **{'group.remote.assignor': 'range'}),
        Member(bootstrap, 'modern-gone', **modern),
    ]
    all_poll(members, lambda member: len(member.seen) >= 20)
    for member in members:
        offsets = {message.partition(): message.offset() + 1 for message in member.seen}
        member.consumer.commit(offsets=[TopicPartition('grouped', partition, offset, metadata='read "so" far \x01 ä')
                                        for partition, offset in offsets.items()], asynchronous=False)
    # A second member causes a rebalance, and one of the consumer protocol converts the group.
    others = [Member(bootstrap, 'classic', **{'partition.assignment.strategy': 'cooperative-sticky'}),
              Member(bootstrap, 'mixed', **modern)]
    all_poll([*members[:2], *others], lambda member: len(member.consumer.assignment()) == 1)
    committing = transactional(bootstrap, 'committing')
    for commit in (True, False):
        committing.producer.begin_transaction()
        committing.write('grouped', 1, 'from a transaction', b'', 0)
        committing.producer.send_offsets_to_transaction(
            [TopicPartition('grouped', 1, 77)], members[1].consumer.consumer_group_metadata(), LIMIT_S)
        committing.flush()
        (committing.producer.commit_transaction if commit else committing.producer.abort_transaction)(LIMIT_S)
    for member in [*others, *members]:
        member.consumer.close()
    admin = AdminClient({'bootstrap.servers': bootstrap})
    for future in admin.delete_consumer_groups(['gone', 'modern-gone']).values():
        future.result(LIMIT_S)


def create_shared(bootstrap):
    """The topic of a share group, which must exist before write_groups sends its records."""
    create(bootstrap, {'shared': (1, {})})


def topics_of(bootstrap):
    return AdminClient({'bootstrap.servers': bootstrap}).list_topics(timeout=LIMIT_S).topics


def wait_for_compaction(bootstrap, topic, written):
    """Returns when the topic has fewer than two thirds of the written records and the number is stable."""
    before = -1
    for _ in range(LIMIT_S):
        count = len(records(bootstrap, [(topic, 0)], 'read_committed')[topic, 0])
        if count * 3 < written * 2 and count == before:
            return
        before = count
        time.sleep(1)
    raise SystemExit(f'{topic} was not compacted: {before} of {written} records are left')


def records(bootstrap, places, isolation):
    """Every record of every (topic, partition), by position."""
    consumer = Consumer({'bootstrap.servers': bootstrap, 'group.id': 'nobody', 'enable.auto.commit': False,
                         'isolation.level': isolation, 'enable.partition.eof': True, 'check.crcs': True,
                         'auto.offset.reset': 'earliest', 'log_level': 0})
    consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in places])
    found = {place: [] for place in places}
    left = set(places)
    deadline = time.monotonic() + LIMIT_S
    while left:
        if time.monotonic() > deadline:
            raise SystemExit(f'could not be read to the end: {sorted(left)}')
        for message in consumer.consume(1000, 0.2):
            place = message.topic(), message.partition()
            if message.error() is None:
                found[place].append(message)
            elif message.error().code() == KafkaError._PARTITION_EOF:
                left.discard(place)
            elif not message.error().retriable():
                raise KafkaException(message.error())
    consumer.close()
    return found


def read(bootstrap):
    topics = topics_of(bootstrap)
    places = [(name, partition) for name in sorted(topics) if not name.startswith('__')
              for partition in sorted(topics[name].partitions)]
    for isolation in ('read_uncommitted', 'read_committed'):
        found = records(bootstrap, places, isolation)
        for name, partition in places:
            for message in found[name, partition]:
                value = message.value()
                print(json.dumps([
                    name, partition, isolation, message.offset(), message.timestamp(),
                    None if message.key() is None else message.key().hex(),
                    None if value is None else [len(value), hashlib.sha256(value).hexdigest()[:24]],
                    [[key, None if text is None else text.hex()] for key, text in message.headers() or []],
                ]))


def main():
    bootstrap, action, *rest = sys.argv[1:]
    if action == 'read':
        read(bootstrap)
    else:
        for kind in rest:
            {'plain': write_plain, 'compacted': write_compacted, 'transactional': write_transactional,
             'shared': create_shared, 'groups': write_groups}[kind](bootstrap)
    print('ok')
    sys.stdout.flush()
    # Does not end the open transaction, as closing its producer would.
    os._exit(0)


main()
