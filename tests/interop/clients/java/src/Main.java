import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** kafka-clients: topics, every compression, offsets, timestamps and groups, as the README of the tests lists them. */
public final class Main {
    private static final List<String> COMPRESSIONS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    private static final int LIMIT_S = 20;

    private final String bootstrap;
    private final String prefix;
    private final int records;
    private final long base = System.currentTimeMillis() / 1000 * 1000 - 3_600_000;
    private int failed;

    private Main(String bootstrap, String prefix, int records) {
        this.bootstrap = bootstrap;
        this.prefix = prefix;
        this.records = records;
    }

    private interface Check {
        void run() throws Exception;
    }

    private void check(String what, Check check) {
        try {
            check.run();
            System.out.println("ok java " + what);
        } catch (Exception error) {
            failed++;
            System.out.println("not ok java " + what + ": " + error.toString().replaceAll("\\s+", " "));
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }

    private static long deadline() {
        return System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_S);
    }

    private Map<String, Object> config(Map<String, Object> more) {
        Map<String, Object> config = new HashMap<>(more);
        config.put("bootstrap.servers", bootstrap);
        config.put("client.id", "interop-java");
        config.put("request.timeout.ms", 20_000);
        config.put("default.api.timeout.ms", 30_000);
        return config;
    }

    private static List<TopicPartition> partitions(String topic) {
        return IntStream.range(0, Records.PARTITIONS).mapToObj(number -> new TopicPartition(topic, number)).toList();
    }

    private void createTopics(Admin admin, List<String> topics) throws Exception {
        List<NewTopic> wanted = topics.stream().map(topic -> new NewTopic(topic, Records.PARTITIONS, (short) 1)).toList();
        admin.createTopics(wanted).all().get();
        for (TopicDescription topic : admin.describeTopics(topics).allTopicNames().get().values()) {
            require(topic.partitions().size() == Records.PARTITIONS, topic.name() + " has " + topic.partitions().size());
        }
    }

    private static void deleteTopics(Admin admin, List<String> topics) throws Exception {
        admin.deleteTopics(topics).all().get();
        Set<String> left = new HashSet<>(admin.listTopics().names().get());
        left.retainAll(topics);
        require(left.isEmpty(), "still listed: " + left);
    }

    private void produce(String topic, int from, int to, Map<String, Object> more) throws Exception {
        Map<String, Object> config = config(more);
        config.put("linger.ms", 5);
        config.put("delivery.timeout.ms", 30_000);
        config.put("max.block.ms", 20_000);
        List<Future<RecordMetadata>> answers = new ArrayList<>();
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int index = from; index < to; index++) {
                answers.add(producer.send(new ProducerRecord<>(topic, index % Records.PARTITIONS,
                    Records.timestamp(index, base), Records.key(index), Records.value(index), Records.headers(index))));
            }
        }
        for (int index = from; index < to; index++) {
            RecordMetadata answer = answers.get(index - from).get();
            require("0".equals(more.get("acks")) || answer.offset() == index / Records.PARTITIONS,
                "record " + index + " got offset " + answer.offset());
        }
    }

    private KafkaConsumer<byte[], byte[]> consumer(String group) {
        Map<String, Object> config = config(Map.of("enable.auto.commit", false, "auto.offset.reset", "earliest",
            "session.timeout.ms", 10_000, "heartbeat.interval.ms", 500, "fetch.max.wait.ms", 100));
        if (group != null) {
            config.put("group.id", group);
        }
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static void consume(KafkaConsumer<byte[], byte[]> consumer, Records.Expectation expectation, int enough) {
        long deadline = deadline();
        int seen = 0;
        while (seen < enough) {
            require(System.nanoTime() < deadline, (enough - seen) + " records did not come within " + LIMIT_S + " s");
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                if (seen < enough) {
                    expectation.accept(record);
                    seen++;
                }
            }
        }
    }

    /** Reads without a group, from the beginning if the offset is 0. */
    private void consumeFrom(String topic, long offset, int count) {
        Records.Expectation expectation = new Records.Expectation(count, base, offset);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(null)) {
            List<TopicPartition> partitions = partitions(topic);
            consumer.assign(partitions);
            if (offset == 0) {
                consumer.seekToBeginning(partitions);
            } else {
                partitions.forEach(partition -> consumer.seek(partition, offset));
            }
            consume(consumer, expectation, expectation.remaining());
        }
    }

    private static Map<TopicPartition, Long> at(Collection<TopicPartition> partitions, long timestamp) {
        return partitions.stream().collect(Collectors.toMap(partition -> partition, partition -> timestamp));
    }

    private void fromTimestamp(String topic) {
        long due = Records.offsetOfMiddleTimestamp(records);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(null)) {
            List<TopicPartition> partitions = partitions(topic);
            var found = consumer.offsetsForTimes(at(partitions, Records.middleTimestamp(records, base)));
            for (OffsetAndTimestamp one : found.values()) {
                require(one != null && one.offset() == due, found + ", due was " + due);
                require(one.timestamp() == Records.middleTimestamp(records, base) + 3, found + " has a wrong timestamp");
            }
            var late = consumer.offsetsForTimes(at(partitions, Records.lateTimestamp(records, base)));
            require(late.values().stream().allMatch(one -> one == null), late + " for a timestamp after the end");
            long end = records / Records.PARTITIONS;
            require(consumer.endOffsets(partitions).values().stream().allMatch(one -> one == end), "wrong end offsets");
            require(consumer.beginningOffsets(partitions).values().stream().allMatch(one -> one == 0), "wrong beginning offsets");
        }
        consumeFrom(topic, due, records);
    }

    private void commitAndResume(Admin admin, String topic) throws Exception {
        String group = topic + "-group";
        Records.Expectation expectation = new Records.Expectation(records, base, 0);
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(group)) {
            consumer.subscribe(List.of(topic));
            consume(consumer, expectation, records * 3 / 10);
            for (TopicPartition partition : partitions(topic)) {
                offsets.put(partition, new OffsetAndMetadata(expectation.next[partition.partition()], "note"));
            }
            consumer.commitSync(offsets);
        }
        var committed = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        require(committed.equals(offsets), "committed " + committed + ", not " + offsets);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(group)) {
            consumer.subscribe(List.of(topic));
            consume(consumer, expectation, expectation.remaining());
            require(consumer.poll(Duration.ofMillis(200)).isEmpty(), "more than the rest came");
        }
    }

    /** Runs two members until each has one partition and all records are read. */
    private void shareGroup(String topic) {
        try (var first = consumer(topic + "-shared"); var second = consumer(topic + "-shared")) {
            List<KafkaConsumer<byte[], byte[]>> members = List.of(first, second);
            members.forEach(member -> member.subscribe(List.of(topic)));
            List<Set<Long>> seen = List.of(new HashSet<>(), new HashSet<>());
            long deadline = deadline();
            while (true) {
                List<Integer> assigned = new ArrayList<>();
                int[] sizes = new int[2];
                for (int one = 0; one < 2; one++) {
                    for (ConsumerRecord<byte[], byte[]> record : members.get(one).poll(Duration.ofMillis(50))) {
                        seen.get(record.partition()).add(record.offset());
                    }
                    sizes[one] = members.get(one).assignment().size();
                    members.get(one).assignment().forEach(partition -> assigned.add(partition.partition()));
                }
                boolean all = seen.stream().allMatch(offsets -> offsets.size() == records / Records.PARTITIONS);
                if (all && sizes[0] == 1 && sizes[1] == 1 && Set.copyOf(assigned).size() == 2) {
                    return;
                }
                require(System.nanoTime() < deadline, "assigned " + Arrays.toString(sizes) + " partitions, read "
                    + seen.stream().map(Set::size).toList());
            }
        }
    }

    private void weakAcks(String topic) throws Exception {
        produce(topic, 0, 500, Map.of("acks", "0", "enable.idempotence", false));
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(null)) {
            // acks=0 has no response: wait until the end of the log shows that the records are stored.
            long deadline = deadline();
            while (consumer.endOffsets(partitions(topic)).values().stream().mapToLong(Long::longValue).sum() < 500) {
                require(System.nanoTime() < deadline, "500 records sent with acks=0 did not arrive");
            }
        }
        produce(topic, 500, 1000, Map.of("acks", "1", "enable.idempotence", false));
        consumeFrom(topic, 0, 1000);
    }

    /** Must fail at once on a broker without transactions, with a message that says so. */
    private void transactionalProducer() {
        Map<String, Object> config = config(Map.of("transactional.id", prefix + "-transactional"));
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.initTransactions();
        } catch (KafkaException error) {
            require(error.getMessage().contains("does not support transactions"), error.toString());
        }
    }

    private void internalTopic(AdminRequests requests) throws Exception {
        try (var producer = new KafkaProducer<>(config(Map.of()), new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>("__consumer_offsets", 0, new byte[1], new byte[1])).get();
            throw new IllegalStateException("__consumer_offsets took a record");
        } catch (ExecutionException error) {
            require(error.getCause() instanceof InvalidTopicException, error.getCause().toString());
        }
        requests.internalTopics();
    }

    private static void topicsById(Admin admin, String topic) throws Exception {
        Uuid id = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).topicId();
        String name = admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id).name();
        require(name.equals(topic), "the id of " + topic + " is described as that of " + name);
        Uuid unknown = new Uuid(1, 66);
        try {
            admin.describeTopics(TopicCollection.ofTopicIds(List.of(unknown))).allTopicIds().get();
        } catch (ExecutionException error) {
            require(error.getCause() instanceof UnknownTopicIdException, "an unknown id: " + error.getCause());
            return;
        }
        throw new IllegalStateException("an id that no topic has is described");
    }

    private int all() {
        List<String> topics = new ArrayList<>(COMPRESSIONS.stream().map(name -> prefix + "-" + name).toList());
        topics.add(prefix + "-acks");
        try (Admin admin = Admin.create(config(Map.of()))) {
            check("creates topics", () -> createTopics(admin, topics));
            for (String name : COMPRESSIONS) {
                String topic = prefix + "-" + name;
                check(name + ": produces " + records + " records, idempotent",
                    () -> produce(topic, 0, records, Map.of("acks", "all", "compression.type", name)));
                check(name + ": consumes from the beginning", () -> consumeFrom(topic, 0, records));
                check(name + ": consumes from an offset", () -> consumeFrom(topic, Records.middleOffset(records), records));
                check(name + ": consumes from a timestamp", () -> fromTimestamp(topic));
                check(name + ": commits and resumes in a group", () -> commitAndResume(admin, topic));
            }
            check("two members share a group", () -> shareGroup(prefix + "-none"));
            check("produces with acks 0 and 1", () -> weakAcks(prefix + "-acks"));
            AdminRequests requests = new AdminRequests(admin, prefix + "-none");
            check("sends ACL requests", requests::acls);
            check("describes quotas, SCRAM credentials and delegation tokens", requests::quotasAndCredentials);
            check("elects leaders and lists reassignments", requests::leadersAndReassignments);
            check("describes producers and lists transactions", () -> requests.transactions(records));
            check("describes the quorum", requests::quorum);
            check("describes the configs of groups and client metrics", requests::configResources);
            check("cannot write to an internal topic", () -> internalTopic(requests));
            check("a transactional producer starts or fails with the cause", this::transactionalProducer);
            check("describes topics by id", () -> topicsById(admin, prefix + "-none"));
            check("deletes topics", () -> deleteTopics(admin, topics));
        }
        return failed > 0 ? 1 : 0;
    }

    /** Arguments: BOOTSTRAP TOPIC_PREFIX [RECORDS]. */
    public static void main(String[] args) {
        if (args.length < 2 || args.length > 3) {
            System.err.println("usage: Main BOOTSTRAP TOPIC_PREFIX [RECORDS]");
            System.exit(2);
        }
        System.exit(new Main(args[0], args[1], args.length == 3 ? Integer.parseInt(args[2]) : 10_000).all());
    }
}
