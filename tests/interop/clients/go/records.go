package main

import (
	"bytes"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The records that the interop tests produce and expect back: the same rules as ../records.mjs, see the README of the tests.

const partitions = 2

func xorshift(state uint32) uint32 {
	state ^= state << 13
	state ^= state >> 17
	state ^= state << 5
	return state
}

// mix returns a pseudo-random number that depends only on index and salt.
func mix(index, salt uint32) uint32 {
	return xorshift(index*0x9E3779B1 + salt*0x85EBCA6B + 1)
}

// someBytes returns binary but compressible bytes: four bytes repeat within each run of sixteen.
func someBytes(index, salt uint32, length int) []byte {
	result := make([]byte, length)
	state := mix(index, salt)
	for at := range result {
		if at > 0 && at%16 == 0 {
			state = xorshift(state)
		}
		result[at] = byte(state >> (8 * (at % 4)))
	}
	return result
}

// makeRecord returns record index of a stream whose first timestamp is base, with its expected Offset.
func makeRecord(topic string, index int, base int64) *kgo.Record {
	number := uint32(index)
	record := &kgo.Record{
		Topic:     topic,
		Partition: int32(index % partitions),
		Offset:    int64(index / partitions),
		Timestamp: millis(timestampOf(index, base)),
	}
	switch index % 5 {
	case 0:
	case 1:
		record.Key = []byte{}
	default:
		record.Key = someBytes(number, 1, 1+int(mix(number, 2)%40))
	}
	switch {
	case index%11 == 3:
	case index%11 == 7:
		record.Value = []byte{}
	case index%1000 == 999:
		record.Value = someBytes(number, 3, 20_000)
	default:
		record.Value = someBytes(number, 3, int(mix(number, 4)%300))
	}
	kind := index % 4
	header := func(name string, value []byte) {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: value})
	}
	if kind >= 1 {
		header("text", fmt.Appendf(nil, "record %d é", index))
	}
	if kind >= 2 {
		header("empty", []byte{})
	}
	if kind == 3 {
		header("binary", someBytes(number, 5, 9))
		header("null", nil)
		header("text", []byte("again"))
	}
	return record
}

// timestampOf returns the same timestamp for eight consecutive records, and one 10 ms later for the next eight.
func timestampOf(index int, base int64) int64 {
	return base + int64(index/8)*10
}

// middleOffset returns the start offset, equal in each partition, of consuming from an offset.
func middleOffset(records int) int64 {
	return int64(records / 3)
}

// middleTimestamp returns a timestamp between two records, and the offset of the first record after it (equal in each partition).
func middleTimestamp(records int, base int64) (timestamp, offset int64) {
	group := int64(records * 3 / 32)
	return base + group*10 - 3, group * 8 / partitions
}

// lateTimestamp returns a timestamp after that of every record.
func lateTimestamp(records int, base int64) int64 {
	return timestampOf(records, base) + 1000
}

// expectation expects the records of each partition in order, from a given offset up to the last, each exactly once.
type expectation struct {
	base, end int64
	next      [partitions]int64
}

func expect(records int, base, offset int64) *expectation {
	e := &expectation{base: base, end: int64(records / partitions)}
	for partition := range e.next {
		e.next[partition] = offset
	}
	return e
}

func (e *expectation) remaining() (sum int) {
	for _, offset := range e.next {
		sum += int(e.end - offset)
	}
	return sum
}

func (e *expectation) accept(actual *kgo.Record) error {
	where := fmt.Sprintf("partition %d offset %d", actual.Partition, actual.Offset)
	due := e.next[actual.Partition]
	if actual.Offset != due || actual.Offset >= e.end {
		return fmt.Errorf("%s arrived where %d was due (end is %d)", where, due, e.end)
	}
	e.next[actual.Partition]++
	expected := makeRecord(actual.Topic, int(actual.Offset)*partitions+int(actual.Partition), e.base)
	if !actual.Timestamp.Equal(expected.Timestamp) {
		return fmt.Errorf("%s: timestamp %v, produced with %v", where, actual.Timestamp, expected.Timestamp)
	}
	if err := same("key", actual.Key, expected.Key); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if err := same("value", actual.Value, expected.Value); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if len(actual.Headers) != len(expected.Headers) {
		return fmt.Errorf("%s: %d headers, produced with %d", where, len(actual.Headers), len(expected.Headers))
	}
	for at, header := range actual.Headers {
		if header.Key != expected.Headers[at].Key {
			return fmt.Errorf("%s: header %q, produced with %q", where, header.Key, expected.Headers[at].Key)
		}
		if err := same("header "+header.Key, header.Value, expected.Headers[at].Value); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
	}
	return nil
}

func same(what string, actual, expected []byte) error {
	if (actual == nil) != (expected == nil) || !bytes.Equal(actual, expected) {
		return fmt.Errorf("%s %.24x (nil: %t), produced with %.24x (nil: %t)", what, actual, actual == nil, expected, expected == nil)
	}
	return nil
}
