/**
 * The memory of frames that have arrived in part, and of frames that handlers retain. Each connection may
 * send frames of up to `socket.request.max.bytes`, so many connections could use up the memory of the
 * process. They share a budget instead: when it is used up, only the connection whose frame lacks the fewest
 * bytes is read from, TCP slows down the others, and connections that then send next to nothing are closed.
 *
 * @module
 */
import { assert } from "../../assert.ts";
import {
  FRAME_PROGRESS_BYTES,
  FRAME_PROGRESS_CHECK_MS,
  HELD_FRAME_BYTES,
  PARTIAL_FRAME_BYTES,
  UNCOUNTED_FRAME_BYTES,
} from "../../limits.ts";
import type { Clock, Timer } from "../../runtime/runtime.ts";

/** Bytes that a resumed connection is expected to read before the budget is checked again. */
const READ_ALLOWANCE = 1024 * 1024;

/** The budget for the frames of all connections. */
export class FrameMemory {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #holders = new Set<FrameShare>();
  #used = 0;
  #waiting = 0;
  #check: Timer | null = null;

  /** Creates a budget of `most` bytes, which one connection at a time may exceed. */
  constructor(clock: Clock, most = PARTIAL_FRAME_BYTES) {
    this.#clock = clock;
    this.#most = most;
  }

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  /** Returns the share of a connection. `evict` closes the connection for the given reason. */
  share(evict: (reason: string) => void): FrameShare {
    return new FrameShare(this, evict);
  }

  /** Called by {@linkcode FrameShare} only: the bytes that it holds were `before`. */
  changed(share: FrameShare, before: number): void {
    this.#used += share.held - before;
    assert(this.#used >= 0, "the bytes of frames are never negative");
    if (share.held > 0) this.#holders.add(share);
    else this.#holders.delete(share);
    if (this.#used <= this.#most || share.held < before) this.#wake();
  }

  /** Called by {@linkcode FrameShare} only: whether its connection may be read from. */
  mayReadOn(share: FrameShare): boolean {
    if (this.#used <= this.#most) return true;
    let inUse = 0;
    for (const other of this.#holders) if (other.isInUse) inUse += other.held;
    if (inUse > HELD_FRAME_BYTES) return false;
    // Of two frames that lack the same number of bytes the older one is first, or both would be read.
    let isOlder = true;
    for (const other of this.#holders) {
      if (other.isInUse) continue;
      if (other === share) isOlder = false;
      else if (isOlder ? other.missing <= share.missing : other.missing < share.missing) {
        return false;
      }
    }
    return true;
  }

  /** Called by {@linkcode FrameShare} only: its frame is complete, so others need not wait for it. */
  usesWhole(): void {
    this.#wake();
  }

  /** Called by {@linkcode FrameShare} only: it has begun to wait. */
  waits(): void {
    this.#waiting++;
    this.#arm();
  }

  /** Called by {@linkcode FrameShare} only: it has stopped waiting. */
  waited(): void {
    this.#waiting--;
    if (this.#waiting > 0) return;
    this.#check?.cancel();
    this.#check = null;
  }

  #arm(): void {
    this.#check ??= this.#clock.setTimer(FRAME_PROGRESS_CHECK_MS, () => this.#evictIdle());
  }

  /** Resumes as many connections as the budget allows, those first whose frames lack the fewest bytes. */
  #wake(): void {
    if (this.#waiting === 0) return;
    const waiting = [...this.#holders].filter(({ isWaiting }) => isWaiting);
    waiting.sort((a, b) => a.missing - b.missing);
    let free = this.#most - this.#used;
    for (const share of waiting) {
      if (free <= 0 && !this.mayReadOn(share)) break;
      share.wake();
      free -= READ_ALLOWANCE;
    }
  }

  /** While connections wait for memory, evicts those that hold a part of a frame and send nothing. */
  #evictIdle(): void {
    this.#check = null;
    for (const share of [...this.#holders]) {
      if (share.isIdle()) {
        share.evict(
          `a request of ${share.held.toLocaleString("en")} bytes so far comes too slowly while ` +
            "others wait for its memory",
        );
      }
    }
    this.#wake();
    if (this.#waiting > 0) this.#arm();
  }
}

/** The bytes of one connection that count. */
export class FrameShare {
  readonly #memory: FrameMemory;
  /** Ends the connection. */
  readonly evict: (reason: string) => void;
  #held = 0;
  #missing = 0;
  /** The bytes held when progress was last checked, negative if it was not. */
  #heldBefore = -1;
  #isReading = false;
  #isClosed = false;
  /** Whether a complete frame is retained: the connection is not read from. */
  isInUse = false;
  #resume: (() => void) | null = null;

  /** See {@linkcode FrameMemory.share}. */
  constructor(memory: FrameMemory, evict: (reason: string) => void) {
    this.#memory = memory;
    this.evict = evict;
  }

  /** The bytes that count. */
  get held(): number {
    return this.#held;
  }

  /** The bytes that the frame lacks. */
  get missing(): number {
    return this.#missing;
  }

  /** Whether its connection waits for memory. */
  get isWaiting(): boolean {
    return this.#resume !== null;
  }

  /**
   * Sets how many bytes of a frame are buffered and missing, before more of it is read. Returns null if it
   * may be read, or a promise that resolves when it may.
   */
  beforeRead(buffered: number, missing: number): Promise<void> | null {
    const held = counted(buffered);
    if (held === 0 && this.#held === 0) return null;
    this.#isReading = true;
    // Fewer bytes than before belong to another frame, whose progress is not yet known.
    if (held < this.#held) this.#heldBefore = -1;
    this.#missing = missing;
    this.#set(held);
    if (held === 0 || this.#memory.mayReadOn(this)) return null;
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#memory.waits();
    });
  }

  /** Marks the end of a read: from here on the peer is not responsible for a lack of progress. */
  afterRead(): void {
    this.#isReading = false;
  }

  /**
   * Counts the `buffered` bytes of a whole frame and of what follows it in the buffer, and resolves when
   * `use` of the frame ends. Meanwhile its connection is not read from.
   */
  async using(use: Promise<void>, buffered: number): Promise<void> {
    this.isInUse = true;
    this.#set(counted(buffered));
    this.#memory.usesWhole();
    await use;
    this.isInUse = false;
    if (this.#isClosed) this.#set(0);
  }

  /** Releases all bytes, those of a frame in use once that use ends: the connection is closed. */
  close(): void {
    this.#isClosed = true;
    this.wake();
    if (!this.isInUse) this.#set(0);
  }

  /** Resumes the connection. */
  wake(): void {
    if (this.#resume === null) return;
    this.#heldBefore = -1;
    this.#resume();
    this.#resume = null;
    this.#memory.waited();
  }

  /** Whether the peer could send since the last call and sent next to nothing. */
  isIdle(): boolean {
    if (!this.#isReading || this.isWaiting) return false;
    const before = this.#heldBefore;
    this.#heldBefore = this.#held;
    return before >= 0 && this.#held - before < FRAME_PROGRESS_BYTES;
  }

  #set(held: number): void {
    const before = this.#held;
    this.#held = held;
    this.#memory.changed(this, before);
  }
}

/** The buffered bytes that count: a connection's smallest buffers hold few of them in any case. */
function counted(buffered: number): number {
  return buffered <= UNCOUNTED_FRAME_BYTES ? 0 : buffered;
}
