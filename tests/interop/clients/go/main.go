// franz-go: topics, every compression, offsets, timestamps and groups, as the README of the tests lists them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const limit = 20 * time.Second

func millis(timestamp int64) time.Time {
	return time.UnixMilli(timestamp)
}

type run struct {
	bootstrap, prefix string
	records           int
	base              int64
	failed            int
	admin             *kadm.Client
}

func (r *run) check(what string, step func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := step(ctx); err != nil {
		r.failed++
		fmt.Printf("not ok go %s: %s\n", what, strings.Join(strings.Fields(err.Error()), " "))
		return
	}
	fmt.Printf("ok go %s\n", what)
}

func (r *run) client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(options, kgo.SeedBrokers(r.bootstrap), kgo.ClientID("interop-go"),
		kgo.FetchMaxWait(100*time.Millisecond))...)
}

func (r *run) createTopics(ctx context.Context, topics []string) error {
	created, err := r.admin.CreateTopics(ctx, partitions, 1, nil, topics...)
	if err != nil {
		return err
	}
	if err := created.Error(); err != nil {
		return err
	}
	details, err := r.admin.ListTopics(ctx, topics...)
	if err != nil {
		return err
	}
	for _, topic := range topics {
		if n := len(details[topic].Partitions); n != partitions {
			return fmt.Errorf("%s has %d partitions", topic, n)
		}
	}
	return nil
}

func (r *run) deleteTopics(ctx context.Context, topics []string) error {
	deleted, err := r.admin.DeleteTopics(ctx, topics...)
	if err != nil {
		return err
	}
	if err := deleted.Error(); err != nil {
		return err
	}
	listed, err := r.admin.ListTopics(ctx)
	if err != nil {
		return err
	}
	for _, topic := range topics {
		if listed.Has(topic) {
			return fmt.Errorf("%s is still listed", topic)
		}
	}
	return nil
}

func (r *run) produce(ctx context.Context, topic string, from, to int, answered bool, options ...kgo.Opt) error {
	client, err := r.client(append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(5*time.Millisecond))...)
	if err != nil {
		return err
	}
	defer client.Close()
	batch := make([]*kgo.Record, 0, to-from)
	for index := from; index < to; index++ {
		record := makeRecord(topic, index, r.base)
		record.Offset = -1 // the client sets the returned one
		batch = append(batch, record)
	}
	if err := client.ProduceSync(ctx, batch...).FirstErr(); err != nil {
		return err
	}
	for at, record := range batch {
		if answered && record.Offset != int64((from+at)/partitions) {
			return fmt.Errorf("record %d got offset %d", from+at, record.Offset)
		}
	}
	return nil
}

// consume reads until enough records have been compared.
func consume(ctx context.Context, client *kgo.Client, e *expectation, enough int) error {
	for seen := 0; seen < enough; {
		fetches := client.PollRecords(ctx, enough-seen)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("%d records did not come: %w", enough-seen, err)
		}
		for _, failure := range fetches.Errors() {
			return fmt.Errorf("partition %d: %w", failure.Partition, failure.Err)
		}
		for _, record := range fetches.Records() {
			if err := e.accept(record); err != nil {
				return err
			}
			seen++
		}
	}
	return nil
}

// consumeFrom reads without a group from start, which must correspond to the given offset.
func (r *run) consumeFrom(ctx context.Context, topic string, start kgo.Offset, offset int64, count int) error {
	starts := make(map[int32]kgo.Offset)
	for partition := range int32(partitions) {
		starts[partition] = start
	}
	client, err := r.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}))
	if err != nil {
		return err
	}
	defer client.Close()
	e := expect(count, r.base, offset)
	return consume(ctx, client, e, e.remaining())
}

func (r *run) fromTimestamp(ctx context.Context, topic string) error {
	timestamp, due := middleTimestamp(r.records, r.base)
	found, err := r.admin.ListOffsetsAfterMilli(ctx, timestamp, topic)
	if err != nil {
		return err
	}
	end := int64(r.records / partitions)
	// After the last record the client itself turns "none" into the end of the log.
	late, err := r.admin.ListOffsetsAfterMilli(ctx, lateTimestamp(r.records, r.base), topic)
	if err != nil {
		return err
	}
	ends, err := r.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	latest, err := r.admin.ListMaxTimestampOffsets(ctx, topic)
	if err != nil {
		return err
	}
	for _, question := range []struct {
		what    string
		offsets kadm.ListedOffsets
		due     int64
	}{{"a timestamp", found, due}, {"a late timestamp", late, end}, {"the end", ends, end}} {
		for partition := range int32(partitions) {
			answer, ok := question.offsets.Lookup(topic, partition)
			if !ok || answer.Err != nil || answer.Offset != question.due {
				return fmt.Errorf("asked for %s: %+v, due was %d", question.what, answer, question.due)
			}
		}
	}
	for partition := range int32(partitions) {
		// The last records share their timestamp; the broker may return any of them.
		answer, ok := latest.Lookup(topic, partition)
		if !ok || answer.Err != nil || answer.Timestamp != timestampOf(r.records-1, r.base) {
			return fmt.Errorf("asked for the maximum timestamp: %+v", answer)
		}
	}
	return r.consumeFrom(ctx, topic, kgo.NewOffset().AfterMilli(timestamp), due, r.records)
}

func (r *run) member(topic, group string) (*kgo.Client, error) {
	return r.client(kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.HeartbeatInterval(500*time.Millisecond),
		kgo.SessionTimeout(10*time.Second))
}

func (r *run) commitAndResume(ctx context.Context, topic string) error {
	group := topic + "-group"
	e := expect(r.records, r.base, 0)
	client, err := r.member(topic, group)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := consume(ctx, client, e, r.records*3/10); err != nil {
		return err
	}
	offsets := make(map[int32]kgo.EpochOffset)
	for partition, offset := range e.next {
		offsets[int32(partition)] = kgo.EpochOffset{Epoch: -1, Offset: offset}
	}
	var failure error
	client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{topic: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
			failure = err
			if err != nil {
				return
			}
			for _, answer := range response.Topics[0].Partitions {
				failure = errors.Join(failure, kerr.ErrorForCode(answer.ErrorCode))
			}
		})
	if failure != nil {
		return failure
	}
	client.Close()

	stored, err := r.admin.FetchOffsets(ctx, group)
	if err != nil {
		return err
	}
	for partition, offset := range e.next {
		answer, ok := stored.Lookup(topic, int32(partition))
		if !ok || answer.Err != nil || answer.At != offset {
			return fmt.Errorf("committed %+v, not %d", answer, offset)
		}
	}
	client, err = r.member(topic, group)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := consume(ctx, client, e, e.remaining()); err != nil {
		return err
	}
	extra, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if n := client.PollFetches(extra).NumRecords(); n > 0 {
		return fmt.Errorf("%d more than the rest came", n)
	}
	return nil
}

// shareGroup runs two members until each has one partition and all records are read.
func (r *run) shareGroup(ctx context.Context, topic string) error {
	group := topic + "-shared"
	var members [2]*kgo.Client
	for one := range members {
		client, err := r.member(topic, group)
		if err != nil {
			return err
		}
		defer client.Close()
		members[one] = client
	}
	seen := [partitions]map[int64]bool{{}, {}}
	for {
		for _, client := range members {
			poll, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			fetches := client.PollFetches(poll)
			cancel()
			for _, failure := range fetches.Errors() {
				if !errors.Is(failure.Err, context.DeadlineExceeded) {
					return failure.Err
				}
			}
			for _, record := range fetches.Records() {
				seen[record.Partition][record.Offset] = true
			}
		}
		described, err := r.admin.DescribeGroups(ctx, group)
		if err != nil {
			return err
		}
		state := described[group]
		var assigned []int32
		for _, member := range state.Members {
			if assignment, ok := member.Assigned.AsConsumer(); ok && len(assignment.Topics) == 1 && len(assignment.Topics[0].Partitions) == 1 {
				assigned = append(assigned, assignment.Topics[0].Partitions[0])
			}
		}
		slices.Sort(assigned)
		if slices.Equal(assigned, []int32{0, 1}) && len(state.Members) == 2 && len(seen[0])+len(seen[1]) == r.records {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("group is %s with %d members, assigned %v, read %d and %d", state.State, len(state.Members), assigned, len(seen[0]), len(seen[1]))
		}
	}
}

func (r *run) weakAcks(ctx context.Context, topic string) error {
	if err := r.produce(ctx, topic, 0, 500, false, kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.NoAck())); err != nil {
		return err
	}
	// acks=0 has no response: wait until the end of the log shows that the records are stored.
	for {
		ends, err := r.admin.ListEndOffsets(ctx, topic)
		if err != nil {
			return err
		}
		sum := int64(0)
		ends.Each(func(answer kadm.ListedOffset) { sum += answer.Offset })
		if sum == 500 {
			break
		}
	}
	if err := r.produce(ctx, topic, 500, 1000, true, kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck())); err != nil {
		return err
	}
	return r.consumeFrom(ctx, topic, kgo.NewOffset().AtStart(), 0, 1000)
}

func (r *run) all() int {
	codecs := []struct {
		name  string
		codec kgo.CompressionCodec
	}{
		{"none", kgo.NoCompression()}, {"gzip", kgo.GzipCompression()}, {"snappy", kgo.SnappyCompression()},
		{"lz4", kgo.Lz4Compression()}, {"zstd", kgo.ZstdCompression()},
	}
	topics := []string{r.prefix + "-acks"}
	for _, codec := range codecs {
		topics = append(topics, r.prefix+"-"+codec.name)
	}
	r.check("creates topics", func(ctx context.Context) error { return r.createTopics(ctx, topics) })
	for _, codec := range codecs {
		topic := r.prefix + "-" + codec.name
		r.check(fmt.Sprintf("%s: produces %d records, idempotent", codec.name, r.records), func(ctx context.Context) error {
			return r.produce(ctx, topic, 0, r.records, true, kgo.ProducerBatchCompression(codec.codec))
		})
		r.check(codec.name+": consumes from the beginning", func(ctx context.Context) error {
			return r.consumeFrom(ctx, topic, kgo.NewOffset().AtStart(), 0, r.records)
		})
		r.check(codec.name+": consumes from an offset", func(ctx context.Context) error {
			middle := middleOffset(r.records)
			return r.consumeFrom(ctx, topic, kgo.NewOffset().At(middle), middle, r.records)
		})
		r.check(codec.name+": consumes from a timestamp", func(ctx context.Context) error { return r.fromTimestamp(ctx, topic) })
		r.check(codec.name+": commits and resumes in a group", func(ctx context.Context) error { return r.commitAndResume(ctx, topic) })
	}
	r.check("two members share a group", func(ctx context.Context) error { return r.shareGroup(ctx, r.prefix+"-none") })
	r.check("produces with acks 0 and 1", func(ctx context.Context) error { return r.weakAcks(ctx, r.prefix+"-acks") })
	r.check("a transactional producer starts or fails with the cause", r.transactionalProducer)
	r.check("deletes topics", func(ctx context.Context) error { return r.deleteTopics(ctx, topics) })
	return r.failed
}

// transactionalProducer fails at once on a broker without transactions. franz-go keeps only the error code of
// the broker's response.
func (r *run) transactionalProducer(ctx context.Context) error {
	client, err := r.client(kgo.TransactionalID(r.prefix + "-transactional"))
	if err != nil {
		return err
	}
	defer client.Close()
	_, _, err = client.ProducerID(ctx)
	if err == nil || errors.Is(err, kerr.ClusterAuthorizationFailed) {
		return nil
	}
	return err
}

func main() {
	records := 10_000
	if len(os.Args) == 4 {
		records, _ = strconv.Atoi(os.Args[3])
	}
	if len(os.Args) < 3 || len(os.Args) > 4 || records <= 0 {
		fmt.Fprintln(os.Stderr, "usage: go BOOTSTRAP TOPIC_PREFIX [RECORDS]")
		os.Exit(2)
	}
	r := &run{bootstrap: os.Args[1], prefix: os.Args[2], records: records}
	r.base = time.Now().Unix()*1000 - 3_600_000
	client, err := r.client()
	if err != nil {
		fmt.Printf("not ok go connects: %v\n", err)
		os.Exit(1)
	}
	r.admin = kadm.NewClient(client)
	failed := r.all()
	client.Close()
	if failed > 0 {
		os.Exit(1)
	}
}
