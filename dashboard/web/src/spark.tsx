/** Flow of the last hour with its limits drawn in. */

import { useEffect, useState } from "preact/hooks";
import { trend } from "./history";
import { everLinked } from "./store";
import type { Limits } from "./types";

const HOUR_MS = 3_600_000;
const BUCKETS = 120;
const REFRESH_MS = 60_000;

interface Point {
  at: number;
  low: number;
  high: number;
}

/** Return an SVG path over points that breaks where nothing was read for three buckets. */
export function sparkPath(points: Point[], endMs: number, top: number): string {
  const x = (at: number) => (((at - (endMs - HOUR_MS)) / HOUR_MS) * 100).toFixed(2);
  const y = (value: number) => (30 - (value / top) * 28).toFixed(2);
  let path = "";
  let before = -Infinity;
  for (const point of points) {
    const joined = point.at - before < (3 * HOUR_MS) / BUCKETS;
    path += `${joined ? "L" : "M"}${x(point.at)} ${y(point.low)}`;
    if (point.high !== point.low) path += `L${x(point.at)} ${y(point.high)}`;
    before = point.at;
  }
  return path;
}

export function Spark({ name, limits, flow }: { name: string; limits: Limits | null; flow: number | null }) {
  const [points, setPoints] = useState<Point[]>([]);
  const [endMs, setEnd] = useState(Date.now());
  useEffect(() => {
    let gone = false;
    const read = async () => {
      const end = Date.now();
      const found = await trend(name, "flow_ml_h", end - HOUR_MS, end, BUCKETS);
      if (gone || !found) return;
      setPoints(found.start_ms.map((at, index) => ({ at, low: found.low[index] ?? 0, high: found.high[index] ?? 0 })));
      setEnd(end);
    };
    void read();
    const timer = setInterval(() => void read(), REFRESH_MS);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [name, everLinked.value]);
  const live = flow === null ? [] : [{ at: Date.now(), low: flow, high: flow }];
  const hard = Number(limits?.hard_max_flow_ml_h ?? Number.NaN);
  const soft = Number(limits?.soft_max_flow_ml_h ?? Number.NaN);
  const highest = Math.max(0.1, ...points.map((point) => point.high), flow ?? 0, Number.isFinite(soft) ? soft * 1.15 : 0);
  const showHard = Number.isFinite(hard) && hard <= highest * 1.6;
  const top = showHard ? Math.max(highest, hard * 1.05) : highest * 1.05;
  const y = (value: number) => 30 - (value / top) * 28;
  return (
    <svg class="spark" viewBox="0 0 100 32" preserveAspectRatio="none" role="img" aria-label="Flow of the last hour">
      {Number.isFinite(soft) && soft <= top && <line class="spark-soft" x1="0" x2="100" y1={y(soft)} y2={y(soft)} />}
      {showHard && <line class="spark-hard" x1="0" x2="100" y1={y(hard)} y2={y(hard)} />}
      <path d={sparkPath([...points, ...live], endMs, top)} />
    </svg>
  );
}
