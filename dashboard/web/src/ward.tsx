/** The ward: one card a bed, worst first. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { BedCard } from "./card";
import { nurseAlarms, type Placed } from "./order";
import { cards, linkUp, placed } from "./store";
import { fitting } from "./wall";
import { alarmWords } from "./words";

/** Move cards that took another place in the order with a short motion, so that the eye can follow. */
function useMotion(order: string) {
  const grid = useRef<HTMLDivElement>(null);
  const before = useRef(new Map<string, { index: number; x: number; y: number }>());
  useLayoutEffect(() => {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const seen = new Map<string, { index: number; x: number; y: number }>();
    [...(grid.current?.children ?? [])].forEach((child, index) => {
      if (!(child instanceof HTMLElement) || !child.dataset["slot"]) return;
      // Offsets inside the grid: what moves the whole grid, such as a banner, moves no card.
      const place = { index, x: child.offsetLeft, y: child.offsetTop };
      const old = before.current.get(child.dataset["slot"]);
      seen.set(child.dataset["slot"], place);
      if (still || !old || old.index === index) return;
      child.animate(
        [{ transform: `translate(${old.x - place.x}px, ${old.y - place.y}px)` }, { transform: "none" }],
        { duration: 250, easing: "ease-out" },
      );
    });
    before.current = seen;
  }, [order]);
  return grid;
}

/** Return the grid of the wall, in columns and rows of a known size; an alarm takes two columns. */
function useWallGrid(wall: boolean): { columns: number; cells: number } {
  const [fit, setFit] = useState({ columns: 1, cells: Infinity });
  useEffect(() => {
    if (!wall) return;
    const measure = () => {
      const grid = document.querySelector(".ward");
      if (!grid) return;
      const style = getComputedStyle(grid);
      const columns = style.gridTemplateColumns.split(" ").length;
      const top = grid.getBoundingClientRect().top + scrollY;
      const foot = document.querySelector(".foot")?.getBoundingClientRect().height ?? 0;
      const gapPx = Number.parseFloat(style.rowGap);
      const rowPx = Number.parseFloat(style.gridAutoRows) + gapPx;
      const cells = Math.max(1, Math.floor((innerHeight - top - foot - REST_PX + gapPx) / rowPx)) * columns;
      setFit((old) => (old.cells === cells && old.columns === columns ? old : { columns, cells }));
    };
    measure();
    addEventListener("resize", measure);
    const timer = setInterval(measure, 1000);
    return () => {
      removeEventListener("resize", measure);
      clearInterval(timer);
    };
  }, [wall]);
  return fit;
}

/** Kept free under the grid of the wall for the beds that do not fit. */
const REST_PX = 40;

export function Ward({ wall }: { wall: boolean }) {
  const order = placed.value;
  const { columns, cells } = useWallGrid(wall);
  const whole = order.slice(0, wall ? fitting(order, columns, cells) : order.length);
  const rest = order.slice(whole.length);
  const grid = useMotion(whole.map(({ card }) => card.key).join(" "));
  if (order.length === 0) {
    return <p class="empty">{linkUp.value ? "No pump has been heard of yet." : "Waiting for the first picture."}</p>;
  }
  return (
    <>
      <div class={`ward ${linkUp.value ? "" : "unlinked"}`} ref={grid}>
        {whole.map(({ card, group }) => {
          const of = cards.value.get(card.key);
          return of && (
            <div class={`slot group-${group}`} key={card.key} data-slot={card.key}><BedCard of={of} wall={wall} /></div>
          );
        })}
      </div>
      {rest.length > 0 && <Rest rest={rest} />}
    </>
  );
}

/** The beds that do not fit: alarms by name, the others counted. */
function Rest({ rest }: { rest: Placed[] }) {
  const alarmed = rest.filter(({ group }) => group === "alarm");
  const quiet = rest.length - alarmed.length;
  return (
    <p class="rest">
      {alarmed.map(({ card }) => (
        <span class="rest-alarm" key={card.key}>
          Bed {card.bed || card.pump}: {alarmWords(nurseAlarms(card.alarms)[0]!, null)}
        </span>
      ))}
      {quiet > 0 && <span>{quiet} more {quiet === 1 ? "bed" : "beds"} without an alarm</span>}
    </p>
  );
}
