/**
 * Short descriptions of decoded requests and responses: the topic-partitions in them and the errors,
 * found by the names of their fields.
 *
 * @module
 */
import { ErrorCode } from "../../../src/protocol/errors.ts";
import { ZERO_UUID } from "../../../src/protocol/uuid.ts";

/** More than this many items are counted, not listed. */
const MAX_ITEMS = 4;
/** The fields that hold the number of a partition. */
const PARTITION_FIELDS = ["partition", "partitionIndex", "index"];
/** The fields that hold numbers of partitions. */
const PARTITION_LISTS = ["partitions", "partitionIndexes"];

const ERROR_NAMES = new Map<number, string>(
  Object.entries(ErrorCode).map(([name, code]) => [code, name]),
);

/** Something in a message: what it is about, and the error code it has, if it has one. */
interface Item {
  readonly name: string;
  readonly errorCode: number | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** The names of topics by their ids, as far as they are known. */
export type TopicNames = Map<string, string>;

/** Adds the topics whose name and id a message has. */
export function learnTopics(message: unknown, topics: TopicNames): void {
  if (Array.isArray(message)) return message.forEach((element) => learnTopics(element, topics));
  if (!isFields(message)) return;
  const { topicId, name } = message;
  if (typeof topicId === "string" && typeof name === "string" && name !== "") {
    topics.set(topicId, name);
  }
  for (const value of Object.values(message)) learnTopics(value, topics);
}

/** Lists the topic-partitions and groups that a request is about. Empty when it names none. */
export function describeRequest(request: unknown, topics: TopicNames): string {
  const names = itemsIn(request, topics).map(({ name }) => name).filter((name) => name !== "");
  return list([...new Set(names)]);
}

/** Lists the errors in a response, or `NONE` when all its error codes are 0. */
export function describeResponse(response: unknown, topics: TopicNames): string {
  const items = itemsIn(response, topics).filter(({ errorCode }) => errorCode !== null);
  const failed = items.filter(({ errorCode }) => errorCode !== ErrorCode.NONE);
  if (failed.length === 0) return items.length > 0 ? "NONE" : "";
  return list(
    failed.map(({ name, errorCode }) => {
      const error = ERROR_NAMES.get(errorCode!) ?? `error ${errorCode}`;
      return name === "" ? error : `${name} ${error}`;
    }),
  );
}

function list(items: readonly string[]): string {
  if (items.length <= MAX_ITEMS) return items.join(", ");
  return `${items.slice(0, MAX_ITEMS).join(", ")} and ${items.length - MAX_ITEMS} more`;
}

/** Finds everything in a message that has a name or an error code. */
function itemsIn(message: unknown, topics: TopicNames, topic = ""): Item[] {
  if (Array.isArray(message)) return message.flatMap((one) => itemsIn(one, topics, topic));
  if (!isFields(message)) return [];
  const partition = PARTITION_FIELDS.map((field) => message[field])
    .find((value) => typeof value === "number");
  const name = partition !== undefined && topic !== ""
    ? `${topic}-${partition}`
    : nameOf(message, topics);
  const listed = PARTITION_LISTS.flatMap((field) => numbersIn(message[field]))
    .map((number): Item => ({ name: `${name}-${number}`, errorCode: null }));
  const inner = Object.values(message).flatMap((value) => itemsIn(value, topics, name));
  const errorCode = typeof message.errorCode === "number" ? message.errorCode : null;
  // A topic with partitions is named by these.
  const isWhole = inner.length === 0 && listed.length === 0;
  const own = errorCode !== null || name !== "" && isWhole ? [{ name, errorCode }] : [];
  return [...own, ...listed, ...inner];
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !ArrayBuffer.isView(value);
}

function numbersIn(value: unknown): number[] {
  return Array.isArray(value) ? value.filter((element) => typeof element === "number") : [];
}

/** The name of the topic or the group that an object is about. */
function nameOf(fields: Fields, topics: TopicNames): string {
  for (const field of ["topic", "name", "topicId", "groupId"]) {
    const value = fields[field];
    if (typeof value === "string" && value !== "" && value !== ZERO_UUID) {
      return topics.get(value) ?? value;
    }
  }
  return "";
}
