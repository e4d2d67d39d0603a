import { readFileSync } from "node:fs";
import { computeProcesses, engineProcess, type House, workerProcess } from "../../test/campaign/house.ts";

export type Role = "engine" | "worker" | "compute";

export interface ProcessFigures {
  /** Largest resident set of any one process of the role, in MB. */
  readonly peakMb: number;
  /** Processor time of all of them, in s. */
  readonly cpuSeconds: number;
}

const CLOCK_TICKS_PER_SECOND = 100;
const SAMPLE_MS = 1000;

/** Follows memory and processor time of a house's processes until it is asked for them. */
export function watchProcesses(house: House): () => Record<Role, ProcessFigures> {
  const seen = new Map<number, { role: Role; peakMb: number; firstSeconds: number; seconds: number }>();
  const sample = (): void => {
    const engine = engineProcess(house);
    const worker = workerProcess(house);
    const roles: [Role, { pid: number }[]][] = [
      ["engine", engine === undefined ? [] : [engine]],
      ["worker", worker === undefined ? [] : [worker]],
      ["compute", computeProcesses(house)],
    ];
    for (const [role, processes] of roles) {
      for (const { pid } of processes) {
        const now = figuresOf(pid);
        if (now === undefined) continue;
        const before = seen.get(pid);
        // A process that was there before this campaign has used time for others.
        const firstSeconds = before?.firstSeconds ?? (seen.size === 0 || role !== "compute" ? now.seconds : 0);
        seen.set(pid, { role, ...now, peakMb: Math.max(now.peakMb, before?.peakMb ?? 0), firstSeconds });
      }
    }
  };
  sample();
  const timer = setInterval(sample, SAMPLE_MS);
  return () => {
    clearInterval(timer);
    sample();
    const of = (role: Role): ProcessFigures => {
      const own = [...seen.values()].filter((one) => one.role === role);
      return {
        peakMb: Math.max(0, ...own.map(({ peakMb }) => peakMb)),
        cpuSeconds: own.reduce((sum, { seconds, firstSeconds }) => sum + seconds - firstSeconds, 0),
      };
    };
    return { engine: of("engine"), worker: of("worker"), compute: of("compute") };
  };
}

/** Undefined where the process has ended. */
function figuresOf(pid: number): { peakMb: number; seconds: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const peakKb = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
    return { peakMb: peakKb / 1024, seconds: (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}
