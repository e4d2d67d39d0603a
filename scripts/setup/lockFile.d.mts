export function startTicks(pid: number): string | undefined;
export function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options?: { onWait?: (holder: string) => void; pollMs?: number },
): Promise<T>;
