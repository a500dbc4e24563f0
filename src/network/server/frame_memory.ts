/**
 * The memory of requests that have arrived in part. Each connection may send frames of up to
 * `socket.request.max.bytes`, so many of them together could take everything the process has. They
 * share a budget instead: once it is used up, only the connection whose frame lacks the fewest bytes
 * is read from, the others are held back by TCP, and who then sends next to nothing is closed.
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

/** What a connection that is let go on is expected to read before it is looked at again. */
const READ_ALLOWANCE = 1024 * 1024;

/** What all connections' frames under way take together. */
export class FrameMemory {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #holders = new Set<FrameShare>();
  #used = 0;
  #waiting = 0;
  #check: Timer | null = null;

  /** `most` bytes at one time, except for the one connection that is let go on beyond it. */
  constructor(clock: Clock, most = PARTIAL_FRAME_BYTES) {
    this.#clock = clock;
    this.#most = most;
  }

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  /** A connection's share. `evict` is told why the connection is to be closed. */
  share(evict: (reason: string) => void): FrameShare {
    return new FrameShare(this, evict);
  }

  /** For {@linkcode FrameShare} alone: its holding has changed from `before` bytes. */
  changed(share: FrameShare, before: number): void {
    this.#used += share.held - before;
    assert(this.#used >= 0, "frames under way take no less than nothing");
    if (share.held > 0) this.#holders.add(share);
    else this.#holders.delete(share);
    if (this.#used <= this.#most || share.held < before) this.#wake();
  }

  /** For {@linkcode FrameShare} alone: whether its connection may be read from. */
  mayReadOn(share: FrameShare): boolean {
    if (this.#used <= this.#most) return true;
    let inUse = 0;
    for (const other of this.#holders) if (other.isInUse) inUse += other.held;
    if (inUse > HELD_FRAME_BYTES) return false;
    // Of two that lack the same the older one goes first, or all would go on side by side.
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

  /** For {@linkcode FrameShare} alone: its frame is whole, so others need not wait for it. */
  usesWhole(): void {
    this.#wake();
  }

  /** For {@linkcode FrameShare} alone: it has begun to wait. */
  waits(): void {
    this.#waiting++;
    this.#arm();
  }

  /** For {@linkcode FrameShare} alone: it waits no more. */
  waited(): void {
    this.#waiting--;
    if (this.#waiting > 0) return;
    this.#check?.cancel();
    this.#check = null;
  }

  #arm(): void {
    this.#check ??= this.#clock.setTimer(FRAME_PROGRESS_CHECK_MS, () => this.#evictIdle());
  }

  /** Lets go on as many as there is room for, those first whose frames lack the fewest bytes. */
  #wake(): void {
    if (this.#waiting === 0) return;
    const waiting = [...this.#holders].filter(({ isWaiting }) => isWaiting);
    waiting.sort((a, b) => a.missing - b.missing);
    let room = this.#most - this.#used;
    for (const share of waiting) {
      if (room <= 0 && !this.mayReadOn(share)) break;
      share.wake();
      room -= READ_ALLOWANCE;
    }
  }

  /** Somebody waits: who might send, and does not, holds what the others need. */
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

/** What one connection has received of a frame that is not whole yet. */
export class FrameShare {
  readonly #memory: FrameMemory;
  /** Ends the connection. */
  readonly evict: (reason: string) => void;
  #held = 0;
  #missing = 0;
  /** What it held when its progress was last looked at, negative when it was not. */
  #heldBefore = -1;
  #isReading = false;
  #isClosed = false;
  /** Whether its frame is whole and has to stay a while longer: the connection is not read from. */
  isInUse = false;
  #resume: (() => void) | null = null;

  /** See {@linkcode FrameMemory.share}. */
  constructor(memory: FrameMemory, evict: (reason: string) => void) {
    this.#memory = memory;
    this.evict = evict;
  }

  /** Bytes that count. */
  get held(): number {
    return this.#held;
  }

  /** Bytes that the frame still lacks. */
  get missing(): number {
    return this.#missing;
  }

  /** Whether its connection is not read from. */
  get isWaiting(): boolean {
    return this.#resume !== null;
  }

  /**
   * Tells how much of a frame is there and how much is missing, before more of it is read. Null when
   * it may be, or what resolves when it may.
   */
  beforeRead(buffered: number, missing: number): Promise<void> | null {
    const held = counted(buffered);
    if (held === 0 && this.#held === 0) return null;
    this.#isReading = true;
    // Less than before is another frame: that one's progress is not yet known.
    if (held < this.#held) this.#heldBefore = -1;
    this.#missing = missing;
    this.#set(held);
    if (held === 0 || this.#memory.mayReadOn(this)) return null;
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#memory.waits();
    });
  }

  /** Tells that the read is over: from here on the peer is not to blame for standing still. */
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

  /** Lets the connection be read from. */
  wake(): void {
    if (this.#resume === null) return;
    this.#heldBefore = -1;
    this.#resume();
    this.#resume = null;
    this.#memory.waited();
  }

  /** Whether it could have sent since the last call and sent next to nothing. */
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
