/**
 * A kcat that produces with acks=all until it is stopped.
 *
 * @module
 */
import { CommandProcess } from "./command_process.ts";

/** Records in one write, and the time between two writes. */
const PER_WRITE = 5;
const INTERVAL_MS = 5;

/** The running kcat: records with the keys kcat-0, kcat-1, … */
export class KcatStream {
  readonly #kcat: CommandProcess;
  readonly #timer: ReturnType<typeof setInterval>;
  #sent = 0;
  #writing: Promise<void> = Promise.resolve();

  /** Starts to produce to `topic`. */
  constructor(bootstrap: string, topic: string) {
    const settings = [
      "acks=all",
      "enable.idempotence=true",
      "message.timeout.ms=60000",
      "linger.ms=1",
      "reconnect.backoff.ms=20",
      "reconnect.backoff.max.ms=100",
      "retry.backoff.ms=20",
    ];
    this.#kcat = new CommandProcess("kcat", [
      ...["kcat", "-b", bootstrap, "-P", "-t", topic, "-K", ":", "-vvv"],
      ...settings.flatMap((setting) => ["-X", setting]),
    ]);
    this.#timer = setInterval(() => this.#write(), INTERVAL_MS);
  }

  /** Resolves when as many records are acknowledged as had been sent at this call. */
  async settle(): Promise<void> {
    const count = this.#sent;
    await this.#kcat.until(`${count} acknowledged records`, () => this.#acknowledged() >= count);
  }

  /**
   * Sends no more and resolves with the number of records when all are acknowledged.
   *
   * @throws {Error} if one is not
   */
  async stop(): Promise<number> {
    clearInterval(this.#timer);
    await this.#writing;
    const { code, err } = await this.#kcat.end();
    const acknowledged = this.#acknowledged();
    if (code !== 0 || acknowledged !== this.#sent) {
      throw new Error(
        `kcat ended with ${code}, ${acknowledged} of ${this.#sent} records are acknowledged: ${
          err.slice(-600)
        }`,
      );
    }
    return acknowledged;
  }

  /** Ends kcat, whatever is under way. */
  async kill(): Promise<void> {
    clearInterval(this.#timer);
    await this.#kcat.end("SIGKILL");
  }

  #write(): void {
    if (this.#kcat.hasEnded) return;
    const lines = Array.from({ length: PER_WRITE }, () => {
      const number = this.#sent++;
      return `kcat-${number}:value ${number}`;
    });
    this.#writing = this.#kcat.write(lines.join("\n")).catch(() => {});
  }

  #acknowledged(): number {
    return this.#kcat.err.split("Message delivered to partition").length - 1;
  }
}
