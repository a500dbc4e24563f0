/**
 * Turns of the event loop. A request about many partitions is answered one partition after the other, and
 * other connections are served in between if that takes longer than they should wait.
 *
 * @module
 */
import { REQUESTS_TURN_MS } from "../../limits.ts";
import type { Steps } from "../../protocol/records/compression/steps.ts";
import type { Clock } from "../../runtime/runtime.ts";

/**
 * The pause in {@linkcode serveOthers}, ms. A turn of the event loop alone is not enough: Deno polls its
 * sockets only when nothing else is ready, or after dozens of turns.
 */
const PAUSE_MS = 1;

/** Resolves after other connections had a chance to be served. */
export async function serveOthers(clock: Clock): Promise<void> {
  await clock.yieldToLoop();
  await new Promise<void>((resolve) => void clock.setTimer(PAUSE_MS, resolve));
}

/**
 * Returns the results of `answerTo` for each of `items`, in order. Each item is answered only after the one
 * before it. Returns a promise if a result is a promise, or if the results take longer than
 * {@linkcode REQUESTS_TURN_MS}: then other connections are served in between.
 */
export function answerInTurns<Item, Answer>(
  items: readonly Item[],
  answerTo: (item: Item) => Answer | Promise<Answer>,
  clock: Clock,
): Answer[] | Promise<Answer[]> {
  const answers: Answer[] = [];
  let began = -1;
  for (const item of items) {
    const answer = answerTo(item);
    if (answer instanceof Promise) return answerRest(answers, answer, items, answerTo, clock);
    answers.push(answer);
    if (answers.length === items.length) break;
    const now = clock.monotonicMs();
    if (began === -1) began = now;
    else if (now - began > REQUESTS_TURN_MS) {
      return answerRest(answers, null, items, answerTo, clock);
    }
  }
  return answers;
}

/**
 * Returns the results of `answerTo` for each of the items of each of `groups`, such as the partitions of topics,
 * like {@linkcode answerInTurns}.
 */
export function answerGroupsInTurns<Group, Item, Answer>(
  groups: readonly Group[],
  itemsOf: (group: Group) => readonly Item[],
  answerTo: (item: Item, group: Group) => Answer | Promise<Answer>,
  clock: Clock,
): Answer[][] | Promise<Answer[][]> {
  const all = groups.flatMap((group) => itemsOf(group).map((item) => ({ group, item })));
  const divide = (answers: readonly Answer[]) => {
    let next = 0;
    return groups.map((group) => answers.slice(next, next += itemsOf(group).length));
  };
  const answers = answerInTurns(all, ({ group, item }) => answerTo(item, group), clock);
  return answers instanceof Promise ? answers.then(divide) : divide(answers);
}

/** Runs `steps`, and serves other connections whenever they take longer than {@linkcode REQUESTS_TURN_MS}. */
export async function runInTurns<Result>(steps: Steps<Result>, clock: Clock): Promise<Result> {
  let began = clock.monotonicMs();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (clock.monotonicMs() - began <= REQUESTS_TURN_MS) continue;
    await serveOthers(clock);
    began = clock.monotonicMs();
  }
}

/** Continues after `pending`, or after a pause if that is null. */
async function answerRest<Item, Answer>(
  answers: Answer[],
  pending: Promise<Answer> | null,
  items: readonly Item[],
  answerTo: (item: Item) => Answer | Promise<Answer>,
  clock: Clock,
): Promise<Answer[]> {
  if (pending === null) await serveOthers(clock);
  else answers.push(await pending);
  let began = clock.monotonicMs();
  while (answers.length < items.length) {
    answers.push(await answerTo(items[answers.length]!));
    if (clock.monotonicMs() - began <= REQUESTS_TURN_MS) continue;
    await serveOthers(clock);
    began = clock.monotonicMs();
  }
  return answers;
}
