/**
 * Resource usage of a process and of the machine, from Linux's `/proc`, and execution of programs.
 *
 * @module
 */

/** The unit of CPU time in `/proc`, the same on every Linux that Deno runs on. */
const TICKS_PER_SECOND = 100;

/** Returns the CPU seconds, user and system, used by the process. */
export function cpuSeconds(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Returns the resident memory of the process, in MB (2^20 bytes). */
export function residentMb(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

/** Returns the CPU seconds of the whole machine, and those of this process's ended children. */
export function machineUse(): { readonly busy: number; readonly children: number } {
  const [user, nice, system, , , irq, softirq, steal] = Deno.readTextFileSync("/proc/stat")
    .split("\n", 1)[0]!.trim().split(/\s+/).slice(1).map(Number);
  const busy = user! + nice! + system! + irq! + softirq! + steal!;
  const own = statFields(Deno.pid);
  const children = Number(own[13]) + Number(own[14]);
  return { busy: busy / TICKS_PER_SECOND, children: children / TICKS_PER_SECOND };
}

/** Returns the fields of `/proc/PID/stat` from the state on: the name before it may contain anything. */
function statFields(pid: number): string[] {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Runs a program and returns its output. Throws an error with its last lines if it fails. */
export async function run(command: readonly string[], timeoutMs = 300_000): Promise<string> {
  const [program, ...args] = command;
  const { success, code, stdout, stderr } = await new Deno.Command(program!, {
    args,
    stdin: "null",
    signal: AbortSignal.timeout(timeoutMs),
  }).output();
  const decoder = new TextDecoder();
  const text = decoder.decode(stdout);
  if (success) return text;
  const said = (decoder.decode(stderr).trim() || text.trim()).split("\n").slice(-5).join("\n");
  throw new Error(`${command.slice(0, 8).join(" ")} ended with ${code}: ${said}`);
}

/** Returns whether the program can be started. */
export function exists(program: string, versionFlag: string): boolean {
  try {
    return new Deno.Command(program, { args: [versionFlag], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}
