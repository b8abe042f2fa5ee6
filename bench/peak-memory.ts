import { readFileSync } from "node:fs";

/** The most bytes that a process has held in memory so far; undefined where the system does not tell, or the process is gone. */
export function peakMemory(pid: number): number | undefined {
  try {
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return peak === undefined ? undefined : 1024 * Number(peak);
  } catch {
    return undefined;
  }
}
