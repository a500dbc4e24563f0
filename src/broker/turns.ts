/**
 * Requests about many partitions, answered for one after the other without holding the event loop for
 * longer than others should wait.
 *
 * @module
 */
import { REQUESTS_TURN_MS } from "../limits.ts";
import { serveOthers } from "../log/sliced_work.ts";
import type { Clock } from "../runtime/runtime.ts";

/**
 * Returns what `answerTo` answers for each of `items`, in their order, the next only once the one before
 * it has been answered. Returns a promise when one of the answers is a promise, or when the answers take
 * longer than {@linkcode REQUESTS_TURN_MS}: then other connections are served in between.
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

/** Goes on after `pending`, or after a pause when that is null. */
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
