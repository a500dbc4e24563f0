"""Produces and reads records on command and reports each result: a client of a broker on a failing disk.

Reads commands from standard input, one JSON array a line, and answers each with one JSON value a line:
`["create", bootstrap, topic, partitions, {config}]` gives null;
`["produce", bootstrap, topic, partition, values]` gives for each value its offset, or the name of the error with which it
was refused: nothing is sent twice;
`["compact", bootstrap, topic, partition, pairs]` does the same with [key, value] pairs, each a batch of its own;
`["read", bootstrap, topic, partitions, count]` gives what one consumer gets of them from the beginning on: `count` records,
or fewer after 10 s, and whatever else comes while it waits a moment longer.
"""

import json
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

LIMIT_S = 10


def text(value):
    return None if value is None else value.decode()


def create(bootstrap, topic, partitions, config):
    new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=config)
    admin = AdminClient({'bootstrap.servers': bootstrap, 'log_level': 0})
    for future in admin.create_topics([new]).values():
        future.result(LIMIT_S)


def produce(bootstrap, topic, partition, values):
    return send(bootstrap, topic, partition, [(None, value) for value in values], {'linger.ms': 20})


def compact(bootstrap, topic, partition, pairs):
    return send(bootstrap, topic, partition, pairs, {'linger.ms': 0, 'batch.num.messages': 1})


def send(bootstrap, topic, partition, pairs, config):
    answers = [None] * len(pairs)

    def report(i):
        def on_delivery(error, message):
            answers[i] = message.offset() if error is None else error.name()
        return on_delivery

    producer = Producer({'bootstrap.servers': bootstrap, 'log_level': 0, 'acks': 'all', 'retries': 0,
                         'message.timeout.ms': LIMIT_S * 1000, **config})
    for i, (key, value) in enumerate(pairs):
        producer.produce(topic, value, key, partition=partition, on_delivery=report(i))
    producer.flush(LIMIT_S)
    return answers


def read(bootstrap, topic, partitions, count):
    consumer = Consumer({'bootstrap.servers': bootstrap, 'group.id': 'unused', 'log_level': 0, 'check.crcs': True,
                         'enable.auto.commit': False, 'fetch.wait.max.ms': 20, 'fetch.error.backoff.ms': 50,
                         'reconnect.backoff.ms': 20, 'reconnect.backoff.max.ms': 100})
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        found = []
        deadline = time.monotonic() + LIMIT_S
        while True:
            messages = consumer.consume(max(1, count - len(found)), timeout=0.1)
            found += [{'partition': one.partition(), 'offset': one.offset(), 'key': text(one.key()),
                       'value': text(one.value())} for one in messages if not one.error()]
            if not messages and (len(found) >= count or time.monotonic() > deadline):
                return found
    finally:
        consumer.close()


def main():
    commands = {'create': create, 'produce': produce, 'compact': compact, 'read': read}
    print('null', flush=True)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        try:
            answer = commands[name](*arguments)
        except Exception as error:  # whatever it is, it is the answer
            answer = {'error': f'{type(error).__name__} {error}'}
        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
