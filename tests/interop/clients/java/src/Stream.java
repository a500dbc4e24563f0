import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends records with the keys java-0, java-1, … through an idempotent producer with acks=all, about one a millisecond.
 * Reads commands from standard input and answers each with a line that starts with "ok" or "not ok": "settle" waits until
 * all records sent so far are acknowledged, "stop" sends no more, waits for the rest and answers with their number.
 */
public final class Stream {
  private static final int LIMIT_MS = 60_000;

  private final ConcurrentSkipListSet<Long> pending = new ConcurrentSkipListSet<>();
  private final AtomicReference<Exception> failure = new AtomicReference<>();
  private volatile long sent = 0;
  private volatile boolean stopped = false;
  /** Released when no further record is sent. */
  private final CountDownLatch ended = new CountDownLatch(1);

  public static void main(String[] args) throws Exception {
    new Stream().run(args[0], args[1]);
  }

  private void run(String bootstrap, String topic) throws Exception {
    Properties config = new Properties();
    config.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    config.put(ProducerConfig.ACKS_CONFIG, "all");
    config.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
    config.put(ProducerConfig.LINGER_MS_CONFIG, "1");
    config.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, String.valueOf(LIMIT_MS));
    config.put(ProducerConfig.RECONNECT_BACKOFF_MS_CONFIG, "20");
    config.put(ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, "100");
    config.put(ProducerConfig.RETRY_BACKOFF_MS_CONFIG, "20");
    config.put(ProducerConfig.RETRY_BACKOFF_MAX_MS_CONFIG, "100");
    try (KafkaProducer<String, String> producer =
        new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      Thread commands = new Thread(this::answer);
      commands.start();
      while (!stopped) {
        long number = sent;
        pending.add(number);
        producer.send(
            new ProducerRecord<>(topic, "java-" + number, "value " + number),
            (metadata, error) -> {
              if (error != null) failure.compareAndSet(null, error);
              pending.remove(number);
            });
        sent = number + 1;
        Thread.sleep(1);
      }
      ended.countDown();
      producer.flush();
      commands.join();
    }
  }

  private void answer() {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.equals("stop")) stopped = true;
        System.out.println(settle());
        if (stopped) return;
      }
    } catch (Exception error) {
      System.out.println("not ok " + error);
    } finally {
      stopped = true;
    }
  }

  private String settle() throws InterruptedException {
    if (stopped) ended.await();
    long end = sent;
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LIMIT_MS);
    while (isPendingBefore(end)) {
      if (System.nanoTime() > deadline) return "not ok record " + pending.first() + " has no answer";
      Thread.sleep(2);
    }
    Exception error = failure.get();
    return error == null ? "ok " + end : ("not ok " + error).replace('\n', ' ');
  }

  private boolean isPendingBefore(long end) {
    Long first = pending.ceiling(0L);
    return first != null && first < end;
  }
}
