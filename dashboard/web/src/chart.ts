/** One chart of the time line: the span between lowest and highest reading, the mean, limits and alarm marks. */

import uPlot from "uplot";
import { number } from "./format";
import type { Priority } from "./types";

export interface Row {
  series: string;
  title: string;
  /** Between these is usual; drawn as a band. */
  usual: [string | null, string | null] | null;
  /** Drawn as a line. */
  hard: string | null;
}

export interface Mark {
  atS: number;
  words: string;
  /** null for what a person did. */
  priority: Priority | null;
}

interface Parts {
  first: boolean;
  last: boolean;
  marks: () => Mark[];
  zoom: (fromS: number, toS: number) => void;
}

const AXIS_PX = 64;
const FONT = "13px system-ui, sans-serif";

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Return the vertical range: from 0 to above the highest reading and, where it is near, the limit. */
export function range(row: Row, highest: number): [number, number] {
  const hard = row.hard === null ? Number.NaN : Number(row.hard);
  const soft = row.usual?.[1] == null ? 0 : Number(row.usual[1]);
  let top = Math.max(highest, soft, 1e-6);
  if (Number.isFinite(hard) && hard <= top * 2.5) top = Math.max(top, hard);
  return [0, top * 1.12];
}

export function chartOptions(row: Row, width: number, parts: Parts): uPlot.Options {
  const ink = () => colour("--ink-2");
  const grid = { stroke: () => colour("--line"), width: 1 };
  return {
    width,
    height: parts.last ? 204 : 160,
    title: row.title,
    cursor: { sync: { key: "pumpd" }, drag: { x: true, y: false, setScale: false }, focus: { prox: 24 } },
    legend: { live: true },
    scales: {
      x: { time: true },
      y: { auto: false, range: (_plot, low, high) => [low ?? 0, high ?? 1] },
    },
    axes: [
      {
        show: true, stroke: ink, font: FONT, grid, ticks: grid, size: parts.last ? 52 : 8,
        values: parts.last ? [[86_400, "{D} {MMM}", null, null, null, null, null, null, 1], [60, "{HH}:{mm}", "\n{D} {MMM}", null, null, null, null, null, 1], [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1]] : () => [],
      },
      { stroke: ink, font: FONT, grid, ticks: grid, size: AXIS_PX, values: (_plot, values) => values.map((value) => number(value, 4)) },
    ],
    series: [
      { label: "At", value: "{D} {MMM} {HH}:{mm}:{ss}" },
      { label: "lowest", scale: "y", stroke: "transparent", points: { show: false }, value: shown },
      { label: "highest", scale: "y", stroke: "transparent", points: { show: false }, value: shown },
      { label: "mean", scale: "y", stroke: () => colour("--trace"), width: 2, points: { show: false }, value: shown },
    ],
    bands: [{ series: [2, 1], fill: () => colour("--trace-band") }],
    hooks: {
      drawAxes: [(plot) => limits(plot, row)],
      draw: [(plot) => marks(plot, parts.marks(), parts.first)],
      setSelect: [
        (plot) => {
          if (plot.select.width < 8) return;
          parts.zoom(plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x"));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      setCursor: [(plot) => plot.root.classList.toggle("is-read", plot.cursor.idx != null)],
      ready: [(plot) => wheelAndPan(plot, parts.zoom)],
    },
  };
}

function shown(_plot: uPlot, value: number | null): string {
  return value == null ? "none" : number(value, 3);
}

function limits(plot: uPlot, row: Row): void {
  const { ctx, bbox } = plot;
  const y = (value: number) => plot.valToPos(value, "y", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  if (row.usual?.[1] != null) {
    const top = y(Number(row.usual[1]));
    ctx.fillStyle = colour("--usual");
    ctx.fillRect(bbox.left, top, bbox.width, y(Number(row.usual[0] ?? 0)) - top);
  }
  if (row.hard !== null) {
    ctx.strokeStyle = colour("--limit");
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.setLineDash([8 * devicePixelRatio, 5 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y(Number(row.hard)));
    ctx.lineTo(bbox.left + bbox.width, y(Number(row.hard)));
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.fillStyle = colour("--limit");
    ctx.font = scaled("600 13px");
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.fillText(`limit ${number(row.hard)}`, bbox.left + 6 * devicePixelRatio, y(Number(row.hard)) - 5 * devicePixelRatio);
  }
  ctx.restore();
}

function scaled(font: string): string {
  return font.replace(/(\d+)px/, (_whole, px: string) => `${Number(px) * devicePixelRatio}px`) + " system-ui, sans-serif";
}

/** Alarms as marks: a line through every chart, the shape and the words at the top of the first. */
function marks(plot: uPlot, all: Mark[], withWords: boolean): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  let freeFrom = -Infinity;
  for (const mark of [...all].sort((a, b) => a.atS - b.atS)) {
    const x = plot.valToPos(mark.atS, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = ctx.fillStyle = colour(mark.priority ? `--mark-${mark.priority.toLowerCase()}` : "--ink-2");
    ctx.lineWidth = (mark.priority === "HIGH" ? 2 : 1) * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    if (!withWords || x < freeFrom) continue;
    const marksOf = mark.priority === "HIGH" ? "!!! " : mark.priority === "MEDIUM" ? "!! " : mark.priority === "LOW" ? "! " : "";
    const words = marksOf + (mark.words.length > 34 ? `${mark.words.slice(0, 33)}…` : mark.words);
    ctx.font = scaled("600 12px");
    const wide = ctx.measureText(words).width + 10 * devicePixelRatio;
    const right = x + wide > bbox.left + bbox.width;
    ctx.textAlign = right ? "right" : "left";
    ctx.textBaseline = "alphabetic";
    ctx.fillText(words, x + (right ? -5 : 5) * devicePixelRatio, bbox.top + 13 * devicePixelRatio);
    freeFrom = x + wide;
  }
  ctx.restore();
}

function wheelAndPan(plot: uPlot, zoom: Parts["zoom"]): void {
  const edges = (): [number, number] => [plot.scales["x"]?.min ?? 0, plot.scales["x"]?.max ?? 1];
  plot.over.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const [from, to] = edges();
      const at = plot.posToVal(event.offsetX, "x");
      const factor = event.deltaY > 0 ? 1.25 : 0.8;
      zoom(at - (at - from) * factor, at + (to - at) * factor);
    },
    { passive: false },
  );
  plot.over.addEventListener(
    "mousedown",
    (event) => {
      if (!event.shiftKey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const [from, to] = edges();
      const perPx = (to - from) / plot.over.clientWidth;
      const done = (up: MouseEvent) => {
        removeEventListener("mouseup", done);
        const shift = (event.clientX - up.clientX) * perPx;
        zoom(from + shift, to + shift);
      };
      addEventListener("mouseup", done);
    },
    { capture: true },
  );
}
