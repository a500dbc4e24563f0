"""confluent-kafka (librdkafka): topics, every compression, offsets, timestamps and groups, as `../../README.md` lists them."""

import re
import sys
import time

from confluent_kafka import (OFFSET_BEGINNING, OFFSET_END, Consumer, ConsumerGroupTopicPartitions, KafkaError,
                             KafkaException, Producer, TopicPartition)
from confluent_kafka.admin import AdminClient, NewTopic

from records import (PARTITIONS, Expectation, late_timestamp, make_headers, make_key, make_value, middle_offset,
                     middle_timestamp, timestamp_of)

COMPRESSIONS = ('none', 'gzip', 'snappy', 'lz4', 'zstd')
LIMIT_S = 20
# Java's Long.MAX_VALUE, and a time in nanoseconds: beyond 2^53, where a double is not exact.
LARGEST = 2**63 - 1
NANOSECONDS = 1_700_000_000_000_000_001


class Run:
    """One run of all checks against one broker."""

    def __init__(self, bootstrap, prefix, records):
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.records = records
        self.base = int(time.time()) * 1000 - 3_600_000
        self.failed = 0
        self.admin = AdminClient(self.config())

    def config(self, **more):
        # Errors are not printed: a lost connection shows as a failed check.
        return {'bootstrap.servers': self.bootstrap, 'client.id': 'interop-python', 'log_level': 0,
                **{name.replace('_', '.'): value for name, value in more.items()}}

    def check(self, what, run, *args):
        try:
            run(*args)
            print(f'ok python {what}', flush=True)
        except Exception as error:  # whatever it is, it is the check's result
            self.failed += 1
            why = re.sub(r'\s+', ' ', f'{type(error).__name__} {error}')
            print(f'not ok python {what}: {why}', flush=True)

    def create_topics(self, topics):
        new = [NewTopic(topic, num_partitions=PARTITIONS, replication_factor=1) for topic in topics]
        for future in self.admin.create_topics(new).values():
            future.result(LIMIT_S)
        listed = self.admin.list_topics(timeout=LIMIT_S).topics
        for topic in topics:
            if topic not in listed or len(listed[topic].partitions) != PARTITIONS:
                raise RuntimeError(f'metadata does not have {topic} with {PARTITIONS} partitions')

    def delete_topics(self, topics):
        for future in self.admin.delete_topics(topics).values():
            future.result(LIMIT_S)
        left = [topic for topic in topics if topic in self.admin.list_topics(timeout=LIMIT_S).topics]
        if left:
            raise RuntimeError(f'still listed: {left}')

    def produce(self, topic, start, end, **config):
        """Produces records start to end and checks the offset that each acknowledgement carries."""
        wrong = []
        producer = Producer(self.config(linger_ms=5, **config))

        def acknowledged(index):
            def report(error, message):
                if error is not None:
                    wrong.append(f'record {index}: {error}')
                elif str(config.get('acks')) != '0' and message.offset() != index // PARTITIONS:
                    wrong.append(f'record {index} got offset {message.offset()}')
            return report

        for index in range(start, end):
            producer.produce(topic, partition=index % PARTITIONS, key=make_key(index), value=make_value(index),
                             headers=make_headers(index) or None, timestamp=timestamp_of(index, self.base),
                             on_delivery=acknowledged(index))
            if index % 500 == 0:
                producer.poll(0)
        left = producer.flush(LIMIT_S)
        if left or wrong:
            raise RuntimeError(f'{left} without an answer, {len(wrong)} wrong, first {wrong[:1]}')

    def consume(self, consumer, expectation, enough):
        """Reads until `enough` records have been compared."""
        deadline = time.monotonic() + LIMIT_S
        seen = 0
        while seen < enough:
            if time.monotonic() > deadline:
                raise RuntimeError(f'{enough - seen} records did not come within {LIMIT_S} s')
            for message in consumer.consume(min(500, enough - seen), timeout=0.5):
                if message.error():
                    raise KafkaException(message.error())
                expectation.accept(message.partition(), message.offset(), message.timestamp()[1], message.key(),
                                   message.value(), message.headers() or [])
                seen += 1

    def consumer(self, group, **config):
        return Consumer(self.config(group_id=group, enable_auto_commit=False, auto_offset_reset='earliest',
                                    session_timeout_ms=10_000, heartbeat_interval_ms=500, fetch_wait_max_ms=100, **config))

    def consume_from(self, topic, starts, offsets, records=None):
        """Reads without joining the group from `starts`, passed to assign, which correspond to `offsets`."""
        expectation = Expectation(records or self.records, self.base, offsets)
        consumer = self.consumer(f'{topic}-assign')
        try:
            consumer.assign([TopicPartition(topic, number, start) for number, start in enumerate(starts)])
            self.consume(consumer, expectation, expectation.remaining)
        finally:
            consumer.close()

    def from_timestamp(self, topic):
        timestamp, offset = middle_timestamp(self.records, self.base)
        consumer = self.consumer(f'{topic}-assign')
        try:
            for asked, due in ((timestamp, offset), (late_timestamp(self.records, self.base), OFFSET_END),
                               (0, 0)):
                asked_of = [TopicPartition(topic, number, asked) for number in range(PARTITIONS)]
                for found in consumer.offsets_for_times(asked_of, timeout=LIMIT_S):
                    if found.error or found.offset != due:
                        raise RuntimeError(f'{asked} in partition {found.partition}: {found.error} {found.offset}, '
                                           f'due was {due}')
            for number in range(PARTITIONS):
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=LIMIT_S)
                if (low, high) != (0, self.records // PARTITIONS):
                    raise RuntimeError(f'partition {number} reaches from {low} to {high}')
        finally:
            consumer.close()
        self.consume_from(topic, [offset] * PARTITIONS, [offset] * PARTITIONS)

    def commit_and_resume(self, topic):
        group = f'{topic}-group'
        expectation = Expectation(self.records, self.base, [0] * PARTITIONS)
        consumer = self.consumer(group)
        try:
            consumer.subscribe([topic])
            self.consume(consumer, expectation, self.records * 3 // 10)
            consumer.commit(offsets=[TopicPartition(topic, number, offset)
                                     for number, offset in enumerate(expectation.next)], asynchronous=False)
        finally:
            consumer.close()
        [asked] = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
        committed = {one.partition: one.offset for one in asked.result(LIMIT_S).topic_partitions}
        if committed != dict(enumerate(expectation.next)):
            raise RuntimeError(f'committed {committed}, not {expectation.next}')
        consumer = self.consumer(group)
        try:
            consumer.subscribe([topic])
            self.consume(consumer, expectation, expectation.remaining)
            extra = consumer.poll(0.2)
            if extra is not None:
                raise RuntimeError(f'more than the rest came: {extra.error()} offset {extra.offset()}')
        finally:
            consumer.close()

    def share_group(self, topic):
        """Runs two members until each has one partition and has read its records."""
        members = [self.consumer(f'{topic}-shared') for _ in range(2)]
        try:
            for one in members:
                one.subscribe([topic])
            deadline = time.monotonic() + LIMIT_S
            seen = {number: set() for number in range(PARTITIONS)}
            while True:
                assigned = []
                for one in members:
                    for message in one.consume(1000, timeout=0.05):
                        if message.error():
                            raise KafkaException(message.error())
                        seen[message.partition()].add(message.offset())
                    assigned.append([partition.partition for partition in one.assignment()])
                if sorted(assigned) == [[0], [1]] and all(len(of) == self.records // PARTITIONS
                                                          for of in seen.values()):
                    return
                if time.monotonic() > deadline:
                    raise RuntimeError(f'assigned {assigned}, read {[len(of) for of in seen.values()]}')
        finally:
            for one in members:
                one.close()

    def weak_acks(self, topic):
        self.produce(topic, 0, 500, acks=0)
        consumer = self.consumer(f'{topic}-assign')
        try:
            # acks=0 has no response: wait until the end of the log shows that the records are stored.
            deadline = time.monotonic() + LIMIT_S
            while sum(consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=LIMIT_S)[1]
                      for number in range(PARTITIONS)) < 500:
                if time.monotonic() > deadline:
                    raise RuntimeError('500 records sent with acks=0 did not arrive')
        finally:
            consumer.close()
        self.produce(topic, 500, 1000, acks=1)
        self.consume_from(topic, [OFFSET_BEGINNING] * PARTITIONS, [0] * PARTITIONS, 1000)

    def transactional_producer(self):
        """Must fail at once on a broker without transactions, with a message that says so."""
        producer = Producer(self.config(transactional_id=f'{self.prefix}-transactional'))
        try:
            producer.init_transactions(LIMIT_S)
        except KafkaException as failure:
            error = failure.args[0]
            if not error.fatal() or 'does not support transactions' not in error.str():
                raise

    def large_numbers(self, topic):
        """Timestamps and offsets beyond 2^53 must be stored and returned unchanged, or rejected with specific errors."""
        unbounded = f'{topic}-unbounded'
        config = {'message.timestamp.after.max.ms': str(LARGEST)}
        for new in (NewTopic(topic, 1, 1), NewTopic(unbounded, 1, 1, config=config)):
            for future in self.admin.create_topics([new]).values():
                future.result(LIMIT_S)
        timestamps = [NANOSECONDS, NANOSECONDS + 1, LARGEST]
        errors = []
        producer = Producer(self.config())
        for timestamp in timestamps:
            for name in (topic, unbounded):
                producer.produce(name, b'value', timestamp=timestamp, partition=0,
                                 on_delivery=lambda error, message: errors.append(
                                     (message.topic(), error and error.code())))
                producer.flush(LIMIT_S)
        if errors != [(topic, KafkaError.INVALID_TIMESTAMP), (unbounded, None)] * len(timestamps):
            raise RuntimeError(f'produced with {errors}')
        consumer = Consumer(self.config(group_id=f'{topic}-large', enable_auto_commit=False, auto_offset_reset='error'))
        try:
            consumer.assign([TopicPartition(unbounded, 0, 0)])
            read = [message.timestamp()[1] for message in consumer.consume(len(timestamps), timeout=LIMIT_S)]
            if read != timestamps:
                raise RuntimeError(f'read the timestamps {read}')
            for asked, due in ((NANOSECONDS, 0), (NANOSECONDS + 1, 1), (NANOSECONDS + 2, 2), (LARGEST, 2)):
                [found] = consumer.offsets_for_times([TopicPartition(unbounded, 0, asked)], timeout=LIMIT_S)
                if found.error or found.offset != due:
                    raise RuntimeError(f'{asked} is at {found.error} {found.offset}, due was {due}')
            for offset in (2**53, 2**60, LARGEST):
                consumer.assign([TopicPartition(unbounded, 0, offset)])
                message = consumer.poll(LIMIT_S)
                code = message and message.error() and message.error().code()
                if code != KafkaError._AUTO_OFFSET_RESET:
                    raise RuntimeError(f'a fetch at {offset} came to {code}')
            for offset in (2**53 + 1, LARGEST):
                consumer.commit(offsets=[TopicPartition(unbounded, 0, offset)], asynchronous=False)
                [found] = consumer.committed([TopicPartition(unbounded, 0)], timeout=LIMIT_S)
                if found.offset != offset:
                    raise RuntimeError(f'committed {found.offset}, not {offset}')
        finally:
            consumer.close()
        for offset in (2**60, LARGEST - 1):
            [future] = self.admin.delete_records([TopicPartition(unbounded, 0, offset)]).values()
            try:
                future.result(LIMIT_S)
                raise RuntimeError(f'records before {offset} are deleted')
            except KafkaException as error:
                if error.args[0].code() != KafkaError.OFFSET_OUT_OF_RANGE:
                    raise
        self.delete_topics([topic, unbounded])

    def all(self):
        topics = [f'{self.prefix}-{name}' for name in (*COMPRESSIONS, 'acks')]
        self.check('creates topics', self.create_topics, topics)
        for name in COMPRESSIONS:
            topic = f'{self.prefix}-{name}'
            idempotent = name in ('none', 'lz4', 'zstd')
            how = ', idempotent' if idempotent else ''
            self.check(f'{name}: produces {self.records} records{how}', lambda: self.produce(
                topic, 0, self.records, acks='all', compression_type=name, enable_idempotence=idempotent))
            self.check(f'{name}: consumes from the beginning', self.consume_from, topic,
                       [OFFSET_BEGINNING] * PARTITIONS, [0] * PARTITIONS)
            middle = [middle_offset(self.records)] * PARTITIONS
            self.check(f'{name}: consumes from an offset', self.consume_from, topic, middle, middle)
            self.check(f'{name}: consumes from a timestamp', self.from_timestamp, topic)
            self.check(f'{name}: commits and resumes in a group', self.commit_and_resume, topic)
        self.check('two members share a group', self.share_group, f'{self.prefix}-none')
        self.check('produces with acks 0 and 1', self.weak_acks, f'{self.prefix}-acks')
        self.check('a transactional producer starts or fails with the cause', self.transactional_producer)
        self.check('preserves numbers beyond 2^53', self.large_numbers, f'{self.prefix}-large')
        self.check('deletes topics', self.delete_topics, topics)
        return 1 if self.failed else 0


if __name__ == '__main__':
    if len(sys.argv) not in (3, 4):
        sys.exit('usage: main.py BOOTSTRAP TOPIC_PREFIX [RECORDS]')
    sys.exit(Run(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else 10_000).all())
