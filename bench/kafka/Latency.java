import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * One record at a time, as fast as the broker answers: how long until it is acknowledged, and with
 * "endtoend" until a consumer has it. Prints the 50th and 99th percentile in microseconds.
 *
 * Latency (roundtrips|endtoend) BOOTSTRAP TOPIC COUNT SIZE ACKS
 */
public class Latency {
  public static void main(String[] arguments) throws Exception {
    boolean consumes = arguments[0].equals("endtoend");
    String bootstrap = arguments[1];
    String topic = arguments[2];
    int count = Integer.parseInt(arguments[3]);
    byte[] value = new byte[Integer.parseInt(arguments[4])];

    Properties producing = new Properties();
    producing.put("bootstrap.servers", bootstrap);
    producing.put("acks", arguments[5]);
    producing.put("linger.ms", "0");
    Properties consuming = new Properties();
    consuming.put("bootstrap.servers", bootstrap);
    // As Kafka's own EndToEndLatency: the consumer asks again at once instead of being waited for.
    consuming.put("fetch.max.wait.ms", "0");

    int unrecorded = Math.max(100, count / 5);
    long[] nanoseconds = new long[count];
    try (var producer =
            new KafkaProducer<>(producing, new ByteArraySerializer(), new ByteArraySerializer());
        var consumer =
            new KafkaConsumer<>(consuming, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      if (consumes) {
        var partition = new TopicPartition(topic, 0);
        consumer.assign(List.of(partition));
        consumer.seekToEnd(List.of(partition));
        consumer.position(partition);
      }
      for (int i = -unrecorded; i < count; i++) {
        long began = System.nanoTime();
        producer.send(new ProducerRecord<>(topic, value)).get();
        if (consumes) {
          int got = consumer.poll(Duration.ofSeconds(30)).count();
          if (got != 1) throw new IllegalStateException("record " + i + ": " + got + " came");
        }
        if (i >= 0) nanoseconds[i] = System.nanoTime() - began;
      }
    }
    Arrays.sort(nanoseconds);
    System.out.println(nanoseconds[count / 2] / 1000 + " " + nanoseconds[count * 99 / 100] / 1000);
  }
}
