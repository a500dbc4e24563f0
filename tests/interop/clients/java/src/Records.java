import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/** The records that the interop tests produce and expect back: the same rules as ../../records.mjs, see the README of the tests. */
final class Records {
    static final int PARTITIONS = 2;

    private Records() {}

    private static int xorshift(int state) {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return state;
    }

    /** Returns a pseudo-random unsigned number that depends only on index and salt. */
    private static int mix(int index, int salt) {
        return xorshift(index * 0x9E3779B1 + salt * 0x85EBCA6B + 1);
    }

    /** Returns binary but compressible bytes: four bytes repeat within each run of sixteen. */
    private static byte[] bytes(int index, int salt, int length) {
        byte[] result = new byte[length];
        int state = mix(index, salt);
        for (int at = 0; at < length; at++) {
            if (at > 0 && at % 16 == 0) {
                state = xorshift(state);
            }
            result[at] = (byte) (state >>> (8 * (at % 4)));
        }
        return result;
    }

    private static byte[] text(String value) {
        return value.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] key(int index) {
        return switch (index % 5) {
            case 0 -> null;
            case 1 -> new byte[0];
            default -> bytes(index, 1, 1 + Integer.remainderUnsigned(mix(index, 2), 40));
        };
    }

    static byte[] value(int index) {
        return switch (index % 11) {
            case 3 -> null;
            case 7 -> new byte[0];
            default -> bytes(index, 3, index % 1000 == 999 ? 20_000 : Integer.remainderUnsigned(mix(index, 4), 300));
        };
    }

    static List<Header> headers(int index) {
        List<Header> headers = new ArrayList<>();
        int kind = index % 4;
        if (kind >= 1) {
            headers.add(new RecordHeader("text", text("record " + index + " é")));
        }
        if (kind >= 2) {
            headers.add(new RecordHeader("empty", new byte[0]));
        }
        if (kind == 3) {
            headers.add(new RecordHeader("binary", bytes(index, 5, 9)));
            headers.add(new RecordHeader("null", (byte[]) null));
            headers.add(new RecordHeader("text", text("again")));
        }
        return headers;
    }

    /** Eight records in a row share a timestamp; the next eight are 10 ms later. */
    static long timestamp(int index, long base) {
        return base + index / 8 * 10L;
    }

    /** The start offset, equal in each partition, of consuming from an offset. */
    static long middleOffset(int records) {
        return records / 3;
    }

    /** A timestamp between two records. */
    static long middleTimestamp(int records, long base) {
        return base + records * 3 / 32 * 10L - 3;
    }

    /** The offset, equal in each partition, of the first record after the middle timestamp. */
    static long offsetOfMiddleTimestamp(int records) {
        return records * 3 / 32 * 8 / PARTITIONS;
    }

    /** A timestamp after that of every record. */
    static long lateTimestamp(int records, long base) {
        return timestamp(records, base) + 1000;
    }

    private static String show(byte[] value) {
        if (value == null) {
            return "null";
        }
        return value.length + " bytes " + HexFormat.of().formatHex(value, 0, Math.min(12, value.length));
    }

    private static void same(String what, byte[] actual, byte[] expected) {
        if (!Arrays.equals(actual, expected)) {
            throw new IllegalStateException(what + " " + show(actual) + ", produced with " + show(expected));
        }
    }

    /** Expects the records of each partition in order, from a given offset up to the last, each exactly once. */
    static final class Expectation {
        final long[] next = new long[PARTITIONS];
        private final long base;
        private final long end;

        Expectation(int records, long base, long offset) {
            this.base = base;
            end = records / PARTITIONS;
            Arrays.fill(next, offset);
        }

        int remaining() {
            return (int) Arrays.stream(next).map(offset -> end - offset).sum();
        }

        void accept(ConsumerRecord<byte[], byte[]> record) {
            int partition = record.partition();
            String where = "partition " + partition + " offset " + record.offset();
            if (record.offset() != next[partition] || record.offset() >= end) {
                throw new IllegalStateException(where + " arrived where " + next[partition] + " was due (end is " + end + ")");
            }
            next[partition]++;
            int index = (int) record.offset() * PARTITIONS + partition;
            if (record.timestamp() != timestamp(index, base)) {
                throw new IllegalStateException(
                    where + ": timestamp " + record.timestamp() + ", produced with " + timestamp(index, base));
            }
            same(where + ": key", record.key(), key(index));
            same(where + ": value", record.value(), value(index));
            Header[] actual = record.headers().toArray();
            List<Header> expected = headers(index);
            if (actual.length != expected.size()) {
                throw new IllegalStateException(where + ": " + actual.length + " headers, produced with " + expected.size());
            }
            for (int at = 0; at < actual.length; at++) {
                same(where + ": header name", text(actual[at].key()), text(expected.get(at).key()));
                same(where + ": header " + actual[at].key(), actual[at].value(), expected.get(at).value());
            }
        }
    }
}
