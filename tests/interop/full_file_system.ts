/**
 * A small file system that is really full, on machines that allow mounting one: as root on Linux,
 * in its own mount namespace, so that the mount ends with the process.
 *
 * @module
 */
import { run } from "./kafka.ts";
import { restarted, type Trial } from "./disk_trials.ts";

/** Size of the file system in MiB. */
const SIZE_MIB = 8;
const MOUNT = ["mount", "-t", "tmpfs", "-o", `size=${SIZE_MIB}m`, "tmpfs"];
/** Runs a program in its own mount namespace. */
export const OWN_MOUNTS: readonly string[] = ["unshare", "--mount"];

/** Returns whether a file system can be mounted here. */
export async function canMount(): Promise<boolean> {
  const place = await Deno.makeTempDir({ prefix: "millrace-mount-" });
  try {
    return (await run([...OWN_MOUNTS, ...MOUNT, place])).code === 0;
  } catch {
    return false;
  } finally {
    await Deno.remove(place);
  }
}

/** Fills up the second directory. Must run in its own mount namespace. */
export const fullFileSystem: Trial = async (disks, step) => {
  const { two } = disks;
  await Deno.mkdir(two);
  const { code, err } = await run([...MOUNT, two]);
  if (code !== 0) throw new Error(err);
  try {
    await disks.start(true);
    const { topic, onOne, onTwo } = await disks.topic("events");
    for (const partition of [onOne, onTwo]) {
      await disks.produce(topic, partition, disks.values(20));
    }
    const ballast = `${two}/ballast`;
    await Deno.writeFile(ballast, new Uint8Array((SIZE_MIB - 2) * 2 ** 20));
    await step(`a file system of ${SIZE_MIB} MiB is full: a produce is rejected`, async () => {
      let taken = 0;
      for (; taken < 40; taken++) {
        const [value] = disks.values(1, 100_000);
        const [answer] = await disks.answers(topic, onTwo, [value!]);
        if (answer === "KAFKA_STORAGE_ERROR") break;
        if (answer !== disks.known(topic, onTwo).length) {
          throw new Error(`the produce returned ${answer}`);
        }
        disks.known(topic, onTwo).push(value!);
      }
      if (taken === 40) throw new Error("it never became full");
      await disks.refused(topic, onTwo, disks.values(1, 100_000));
      return `after ${taken} of 100 KB`;
    });
    await step("the directory stays online, the other accepts records", async () => {
      await disks.produce(topic, onOne, disks.values(5));
      const directories = await disks.logDirs();
      for (const directory of directories) {
        if (directory.error !== null) throw directory.error;
        disks.checkReportedSizes(directory);
      }
      const { totalBytes, usableBytes } = directories[1];
      if (totalBytes !== SIZE_MIB * 2 ** 20 || usableBytes === null || usableBytes > 100_000) {
        throw new Error(`DescribeLogDirs reports ${usableBytes} of ${totalBytes} bytes`);
      }
      return `${await disks.readsAll()}, ${usableBytes} usable bytes reported`;
    });
    await step("after kill -9 a broker starts on the full disk and reads it", async () => {
      await disks.killAndStart();
      return await disks.readsAll();
    });
    await step("with free space the next produce is accepted", async () => {
      await Deno.remove(ballast);
      await disks.produce(topic, onTwo, disks.values(5));
      return await disks.readsAll();
    });
    await restarted(disks, step, "no rejected record is stored");
    await step("log verify finds no damage", () => disks.stopAndVerify());
  } finally {
    await disks.broker.kill();
    await run(["umount", two]);
  }
};
