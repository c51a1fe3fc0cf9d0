/** Flow of the last hour with its limits drawn in. */

import { useEffect, useRef, useState } from "preact/hooks";
import { GAP, span } from "./format";
import { trend } from "./history";
import { everLinked, wallNow } from "./store";
import type { Limits } from "./types";

const HOUR_MS = 3_600_000;
/** Shown instead of the hour while no more than this is known. */
const SHORT_MS = 600_000;
const BUCKETS = 360;
const REFRESH_MS = 60_000;
const EVERY_MS = 5000;

interface Point {
  at: number;
  low: number;
  high: number;
}

/**
 * Return an SVG path over the last `spanMs`, broken where nothing was read for half a minute.
 *
 * A bucket's two ends come in the order that is the shorter way from what was before to what comes next: a stop is
 * not drawn as stop, start, stop, nor a rate that was too high and then stopped as stop, too high, stop.
 */
export function sparkPath(points: Point[], endMs: number, spanMs: number, top: number): string {
  const x = (at: number) => (((at - (endMs - spanMs)) / spanMs) * 100).toFixed(2);
  const y = (value: number) => (30 - (value / top) * 28).toFixed(2);
  let path = "";
  let before = -Infinity;
  let value = 0;
  points.forEach((point, index) => {
    const next = points[index + 1] ?? point;
    const joined = point.at - before < (3 * HOUR_MS) / BUCKETS;
    const rising = Math.abs(value - point.low) + Math.abs(point.high - next.low);
    const falling = Math.abs(value - point.high) + Math.abs(point.low - next.high);
    const falls = joined && falling <= rising;
    const [from, to] = falls ? [point.high, point.low] : [point.low, point.high];
    path += `${joined ? "L" : "M"}${x(point.at)} ${y(from)}`;
    if (from !== to) path += `L${x(point.at)} ${y(to)}`;
    before = point.at;
    value = to;
  });
  return path;
}

export function Spark({ name, limits, flow }: { name: string; limits: Limits | null; flow: number | null }) {
  const [kept, setKept] = useState<Point[]>([]);
  const lately = useRef<Point[]>([]);
  useEffect(() => {
    let gone = false;
    const read = async () => {
      const end = wallNow();
      const found = await trend(name, "flow_ml_h", end - HOUR_MS, end, BUCKETS);
      if (gone || !found) return;
      setKept(found.start_ms.map((at, index) => ({ at, low: found.low[index] ?? 0, high: found.high[index] ?? 0 })));
    };
    void read();
    const timer = setInterval(() => void read(), REFRESH_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [name, everLinked.value]);
  const endMs = wallNow();
  const last = kept[kept.length - 1]?.at ?? 0;
  const seen = lately.current[lately.current.length - 1]?.at ?? 0;
  if (flow !== null && endMs - seen >= EVERY_MS) {
    // What came since history was last asked.
    lately.current = [...lately.current.filter((point) => point.at > last), { at: endMs, low: flow, high: flow }];
  }
  const points = [...kept, ...lately.current.filter((point) => point.at > last)];
  const hard = Number(limits?.hard_max_flow_ml_h ?? Number.NaN);
  const soft = Number(limits?.soft_max_flow_ml_h ?? Number.NaN);
  const highest = Math.max(0.1, ...points.map((point) => point.high), flow ?? 0, Number.isFinite(soft) ? soft * 1.15 : 0);
  const showHard = Number.isFinite(hard) && hard <= highest * 1.6;
  const top = showHard ? Math.max(highest, hard * 1.05) : highest * 1.05;
  const y = (value: number) => 30 - (value / top) * 28;
  const first = points[0]?.at ?? endMs;
  const spanMs = endMs - first < SHORT_MS ? SHORT_MS : HOUR_MS;
  const words = `${span(spanMs)}`;
  return (
    <div class="spark">
      <svg viewBox="0 0 100 32" preserveAspectRatio="none" role="img" aria-label={`Flow of the last ${words}`}>
        {Number.isFinite(soft) && soft <= top && <line class="spark-soft" x1="0" x2="100" y1={y(soft)} y2={y(soft)} />}
        {showHard && <line class="spark-hard" x1="0" x2="100" y1={y(hard)} y2={y(hard)} />}
        <path d={sparkPath(points, endMs, spanMs, top)} />
      </svg>
      <span class="spark-span">last {spanMs === HOUR_MS ? `1${GAP}h` : words}</span>
    </div>
  );
}
