/**
 * Inspection of data directories of Millrace and Apache Kafka. A separate entry of the package, so that a
 * broker does not load it.
 *
 * ```ts ignore
 * import { describeDamage, verifyDataDirectory } from "@millrace/millrace/inspect";
 *
 * const { damages } = await verifyDataDirectory("data");
 * for (const damage of damages) console.error(describeDamage(damage));
 * ```
 *
 * @module
 */
export { dumpLogFile, type DumpOptions } from "./dump.ts";
export type { DecoderName } from "./record_decoders.ts";
export { describeDamage, type LogDamage, type VerifySummary } from "./findings.ts";
export { verifyDataDirectory, type VerifyOptions } from "./verify.ts";
