/** History through the server: bounded, and a few questions at a time. */

import type { JournalEvent, Trend } from "./types";

const AT_ONCE = 2;
const waiting: (() => void)[] = [];
let running = 0;

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((go) => waiting.push(go));
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

async function get<T>(path: string): Promise<T | null> {
  try {
    const response = await fetch(path);
    return response.ok ? ((await response.json()) as T) : null;
  } catch {
    return null;
  }
}

/** Return a series of one channel between two times in ms since 1970; null when it can not be read. */
export function trend(key: string, series: string, startMs: number, endMs: number, buckets: number): Promise<Trend | null> {
  const path = key.split("/").map(encodeURIComponent).join("/");
  const query = `start=${Math.floor(startMs)}&end=${Math.ceil(endMs)}&buckets=${buckets}`;
  return inTurn(() => get<Trend>(`/api/history/${path}/${series}?${query}`));
}

/** Return the journal of one pump, newest first; null when it can not be read. */
export function journal(pump: string, startMs: number, endMs: number): Promise<JournalEvent[] | null> {
  const query = `pump=${encodeURIComponent(pump)}&start=${Math.floor(startMs)}&end=${Math.ceil(endMs)}&limit=200`;
  return inTurn(() => get<JournalEvent[]>(`/api/journal?${query}`));
}
