"""Streams records with acks=all, stores every acknowledgement, and checks on demand that the broker still has the records.

Two producers run until told to stop, over whatever happens to the broker meanwhile: an idempotent one, whose records must
be there exactly once, and a plain one that compresses, whose records may be there again when an answer was lost.
Reads commands from standard input, one a line, and answers each with one line that starts with "ok" or "not ok":
`acknowledged` waits for 50 more acknowledgements, `verify` reads everything back, `stop` ends the streams and verifies.
"""

import hashlib
import itertools
import queue
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS = 3
PER_TURN = 20
LIMIT_S = 60
NOT_YET = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION)


def value_of(stream, number):
    """Returns a unique line followed by random bytes, up to 2 KB."""
    head = f'{stream}-{number}\n'.encode()
    seed = hashlib.sha256(head).digest()
    return head + seed * (number % 64)


class Stream:
    """A producer and its acknowledged records: (partition, offset, number)."""

    def __init__(self, name, bootstrap, topic, **config):
        self.name = name
        self.topic = topic
        self.numbers = itertools.count()
        self.acknowledged = []
        self.fatal = None
        self.producer = Producer({
            'bootstrap.servers': bootstrap, 'log_level': 0, 'acks': 'all', 'linger.ms': 1,
            'reconnect.backoff.ms': 20, 'reconnect.backoff.max.ms': 100, 'retry.backoff.ms': 20,
            'message.timeout.ms': LIMIT_S * 1000, **config})

    def turn(self):
        """Sends a few records and handles received responses."""
        if len(self.producer) < 2000:
            for _ in range(PER_TURN):
                number = next(self.numbers)
                self.producer.produce(self.topic, value_of(self.name, number), partition=number % PARTITIONS,
                                      on_delivery=self.report(number))
        self.producer.poll(0)

    def report(self, number):
        def on_delivery(error, message):
            if error is None:
                self.acknowledged.append((message.partition(), message.offset(), number))
            elif error.fatal() or error.code() >= 0:
                self.fatal = self.fatal or f'record {self.name}-{number} was refused: {error}'
            # Records that timed out were not acknowledged and may be missing.
        return on_delivery


class Session:
    def __init__(self, bootstrap, topic):
        self.bootstrap = bootstrap
        self.topic = topic
        new = NewTopic(topic, num_partitions=PARTITIONS, replication_factor=1)
        admin = AdminClient({'bootstrap.servers': bootstrap})
        for future in admin.create_topics([new]).values():
            future.result(LIMIT_S)
        self.streams = [
            Stream('idempotent', bootstrap, topic, **{'enable.idempotence': True}),
            Stream('plain', bootstrap, topic, **{'compression.type': 'lz4'}),
        ]

    def watermarks(self, consumer, partition):
        deadline = time.monotonic() + LIMIT_S
        while True:
            try:
                return consumer.get_watermark_offsets(TopicPartition(self.topic, partition), timeout=LIMIT_S)
            except KafkaException as error:
                # Apache Kafka reports a leader shortly before the broker becomes one.
                if error.args[0].code() not in NOT_YET or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def read_everything(self):
        """Returns the values of each partition by offset. Offsets must start at 0 and have no gaps."""
        consumer = Consumer({'bootstrap.servers': self.bootstrap, 'group.id': 'unused', 'log_level': 0,
                             'enable.auto.commit': False, 'fetch.wait.max.ms': 20, 'check.crcs': True})
        try:
            ends = []
            for partition in range(PARTITIONS):
                low, high = self.watermarks(consumer, partition)
                if low != 0:
                    raise ValueError(f'partition {partition} starts at {low}')
                ends.append(high)
            consumer.assign([TopicPartition(self.topic, partition, 0) for partition in range(PARTITIONS)])
            log = [[] for _ in range(PARTITIONS)]
            deadline = time.monotonic() + LIMIT_S
            while any(len(values) < end for values, end in zip(log, ends)):
                if time.monotonic() > deadline:
                    raise ValueError(f'read {[len(values) for values in log]} records, the ends are {ends}')
                for message in consumer.consume(1000, timeout=0.2):
                    if message.error():
                        raise ValueError(str(message.error()))
                    values = log[message.partition()]
                    if message.offset() != len(values):
                        raise ValueError(f'partition {message.partition()}: offset {message.offset()} follows '
                                         f'{len(values) - 1}')
                    values.append(message.value())
            return log
        finally:
            consumer.close()

    def verify(self):
        # Copied before reading: every record acknowledged up to here must be found.
        acknowledged = [(stream.name, list(stream.acknowledged)) for stream in self.streams]
        log = self.read_everything()
        total = 0
        for name, answers in acknowledged:
            total += len(answers)
            for partition, offset, number in answers:
                if offset >= len(log[partition]):
                    raise ValueError(f'{name}-{number} was acknowledged at offset {offset} of partition {partition}, '
                                     f'which ends at {len(log[partition])}')
                if log[partition][offset] != value_of(name, number):
                    raise ValueError(f'{name}-{number} was acknowledged at offset {offset} of partition {partition}, '
                                     f'where {log[partition][offset][:40]!r} is')
        for partition, values in enumerate(log):
            last = -1
            for offset, value in enumerate(values):
                name, number = value.split(b'\n', 1)[0].decode().split('-')
                if value != value_of(name, int(number)) or int(number) % PARTITIONS != partition:
                    raise ValueError(f'offset {offset} of partition {partition} was never sent')
                if name == 'idempotent':
                    if int(number) <= last:
                        raise ValueError(f'{name}-{number} comes after {name}-{last} in partition {partition}')
                    last = int(number)
        for stream in self.streams:
            if stream.fatal:
                raise ValueError(stream.fatal)
        return f'{total} acknowledged are all among {sum(map(len, log))}'

    def more_acknowledged(self):
        wanted = [len(stream.acknowledged) + 50 for stream in self.streams]
        deadline = time.monotonic() + LIMIT_S
        while any(len(stream.acknowledged) < enough for stream, enough in zip(self.streams, wanted)):
            self.turn()
            if time.monotonic() > deadline:
                raise ValueError(f'nothing was acknowledged within {LIMIT_S} s')
        return 'acknowledging'

    def turn(self):
        for stream in self.streams:
            stream.turn()
        time.sleep(0.005)

    def stop(self):
        for stream in self.streams:
            if stream.producer.flush(LIMIT_S) > 0:
                raise ValueError(f'{stream.name}: {len(stream.producer)} records without an answer')
        return self.verify()


def answer(run):
    try:
        print(f'ok {run()}', flush=True)
    except Exception as error:  # whatever it is, it is the answer
        print(f'not ok {type(error).__name__} {error}'.replace('\n', ' '), flush=True)


def main():
    if len(sys.argv) != 3:
        sys.exit('usage: kill9.py BOOTSTRAP TOPIC')
    session = Session(sys.argv[1], sys.argv[2])
    commands = queue.Queue()

    def listen():
        for line in sys.stdin:
            commands.put(line.strip())
        commands.put('quit')

    threading.Thread(target=listen, daemon=True).start()
    print('ok streaming', flush=True)
    while True:
        session.turn()
        try:
            command = commands.get_nowait()
        except queue.Empty:
            continue
        if command == 'quit':
            return
        answer({'verify': session.verify, 'acknowledged': session.more_acknowledged, 'stop': session.stop}[command])
        if command == 'stop':
            return


if __name__ == '__main__':
    main()
