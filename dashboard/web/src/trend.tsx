/** One time line for dose, flow and volume of a pump: live at the right, drag to zoom, wheel to zoom, shift and
 * drag to pan. */

import type { Signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { chartOptions, range, type Mark, type Row } from "./chart";
import { unit } from "./format";
import { trend } from "./history";
import { wallNow } from "./store";
import type { Card, JournalEvent, Trend } from "./types";

const MINUTE_MS = 60_000;
const SPANS: [string, number][] = [
  ["15 min", 15 * MINUTE_MS],
  ["1 h", 60 * MINUTE_MS],
  ["6 h", 360 * MINUTE_MS],
  ["24 h", 1440 * MINUTE_MS],
  ["7 days", 7 * 1440 * MINUTE_MS],
];
const BUCKETS = 800;
const NARROWEST_MS = 10_000;

interface View {
  spanMs: number;
  /** null follows the present. */
  endMs: number | null;
}

function rowsOf(card: Card): Row[] {
  const limits = card.limits ?? null;
  const rows: Row[] = [];
  if (card.programme) {
    rows.push({
      series: "dose",
      title: `Dose, ${unit(card.programme.dose_unit)}`,
      usual: limits && [limits.soft_min, limits.soft_max],
      hard: limits?.hard_max ?? null,
    });
  }
  rows.push(
    {
      series: "flow_ml_h",
      title: "Flow, mL/h",
      usual: limits && [limits.soft_min_flow_ml_h, limits.soft_max_flow_ml_h],
      hard: limits?.hard_max_flow_ml_h ?? limits?.ceiling_ml_h ?? null,
    },
    { series: "volume_ml", title: "Delivered, mL", usual: null, hard: null },
  );
  if (card.reading?.pressure_kpa != null) rows.push({ series: "pressure_kpa", title: "Pressure, kPa", usual: null, hard: null });
  return rows;
}

/** Return the journal's alarms as marks on the time line. */
function marksOf(lines: JournalEvent[]): Mark[] {
  return lines.flatMap((line): Mark[] => {
    if (line.kind === "alarm" && line.alarm && (line.event === "raise" || line.event === "worsen")) {
      return [{ atS: Date.parse(line.at) / 1000, words: line.alarm.title, priority: line.alarm.priority }];
    }
    if (line.kind === "alarm" && line.event === "acknowledge") {
      return [{ atS: Date.parse(line.at) / 1000, words: `${line.by} has it`, priority: null }];
    }
    return [];
  });
}

export function TrendChart({ of, lines }: { of: Signal<Card>; lines: JournalEvent[] }) {
  const [view, setView] = useState<View>({ spanMs: 60 * MINUTE_MS, endMs: null });
  const [empty, setEmpty] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const plots = useRef<{ row: Row; plot: uPlot }[]>([]);
  const marks = useRef<Mark[]>([]);
  const viewNow = useRef(view);
  viewNow.current = view;
  marks.current = marksOf(lines);
  const key = of.value.key;
  const shape = JSON.stringify(rowsOf(of.value));

  useEffect(() => {
    const place = box.current;
    if (!place) return;
    const zoom = (fromS: number, toS: number) => {
      const spanMs = Math.max(NARROWEST_MS, (toS - fromS) * 1000);
      const endMs = fromS * 1000 + spanMs;
      setView({ spanMs, endMs: endMs >= wallNow() ? null : endMs });
    };
    const rows = JSON.parse(shape) as Row[];
    plots.current = rows.map((row, index) => ({
      row,
      plot: new uPlot(
        chartOptions(row, place.clientWidth, { last: index === rows.length - 1, first: index === 0, marks: () => marks.current, zoom }),
        [[], [], [], []],
        place,
      ),
    }));
    const fit = new ResizeObserver(() => {
      for (const { plot } of plots.current) plot.setSize({ width: place.clientWidth, height: plot.height });
    });
    fit.observe(place);
    return () => {
      fit.disconnect();
      for (const { plot } of plots.current) plot.destroy();
      plots.current = [];
    };
  }, [key, shape]);

  useEffect(() => {
    let gone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      const { spanMs, endMs } = viewNow.current;
      const end = endMs ?? wallNow();
      const found = await Promise.all(plots.current.map(({ row }) => trend(key, row.series, end - spanMs, end, BUCKETS)));
      if (gone) return;
      plots.current.forEach(({ row, plot }, index) => draw(plot, row, found[index] ?? null, end - spanMs, end, of.peek()));
      setEmpty(found.every((series) => !series || series.start_ms.length === 0));
      if (endMs === null) timer = setTimeout(() => void read(), Math.min(60_000, Math.max(1500, spanMs / BUCKETS)));
    };
    void read();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [key, shape, view]);

  useEffect(() => {
    for (const { plot } of plots.current) plot.redraw(false);
  }, [lines.length]);

  return (
    <>
      <div class="trend-head">
        <h3>Trend</h3>
        <span class="top-space" />
        {SPANS.map(([name, spanMs]) => (
          <button key={name} class={`plain ${view.spanMs === spanMs && view.endMs === null ? "chosen" : ""}`}
            onClick={() => setView({ spanMs, endMs: null })}>{name}</button>
        ))}
        <button class="plain" aria-label="Earlier" onClick={() => setView(moved(view, -0.5))}>‹</button>
        <button class="plain" aria-label="Later" disabled={view.endMs === null} onClick={() => setView(moved(view, 0.5))}>›</button>
        {view.endMs !== null && <button class="warn" onClick={() => setView({ ...view, endMs: null })}>Past. Back to now</button>}
      </div>
      <div class={`trend ${of.value.not_live === "" ? "" : "history-only"}`} ref={box} />
      {of.value.not_live !== "" && <p class="quiet-text">History only: this pump is not being watched at the moment.</p>}
      {empty && <p class="quiet-text">No readings are kept for this span.</p>}
    </>
  );
}

function moved(view: View, share: number): View {
  const endMs = (view.endMs ?? wallNow()) + view.spanMs * share;
  return { ...view, endMs: endMs >= wallNow() ? null : endMs };
}

function draw(plot: uPlot, row: Row, found: Trend | null, fromMs: number, toMs: number, card: Card): void {
  // A hole in the readings is a hole in the line: three buckets, or five seconds where buckets are shorter.
  const hole = Math.max((3 * (toMs - fromMs)) / BUCKETS, 5000);
  const at: number[] = [];
  const columns: [(number | null)[], (number | null)[], (number | null)[]] = [[], [], []];
  const add = (ms: number, low: number, high: number, mean: number) => {
    const before = at[at.length - 1];
    if (before !== undefined && ms - before * 1000 > hole) {
      at.push(before + 0.001);
      for (const column of columns) column.push(null);
    }
    at.push(ms / 1000);
    [low, high, mean].forEach((value, index) => columns[index]!.push(value));
  };
  found?.start_ms.forEach((ms, index) => add(ms, found.low[index]!, found.high[index]!, found.mean[index]!));
  const newest = liveValue(card, row.series);
  const now = wallNow();
  if (newest !== null && toMs > now - 3000 && now / 1000 > (at[at.length - 1] ?? 0)) add(now, newest, newest, newest);
  const highest = columns[1].reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  const [min, max] = range(row, highest);
  plot.batch(() => {
    plot.setData([at, ...columns], false);
    plot.setScale("x", { min: fromMs / 1000, max: toMs / 1000 });
    plot.setScale("y", { min, max });
  });
}

function liveValue(card: Card, series: string): number | null {
  if (card.not_live !== "" || !card.reading || (card.age_ms ?? Infinity) > (card.stale_after_ms ?? 0)) return null;
  const values = card.reading as unknown as Record<string, string | number | null>;
  const value = values[series];
  return value == null ? null : Number(value);
}
