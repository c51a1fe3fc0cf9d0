/** The ward: one card a bed, worst first. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { BedCard } from "./card";
import { nurseAlarms, type Placed } from "./order";
import { cards, linkUp, placed } from "./store";
import { alarmWords } from "./words";

/** Move cards that changed places with a short motion, so that the eye can follow. */
function useMotion(order: string) {
  const grid = useRef<HTMLDivElement>(null);
  const before = useRef(new Map<string, DOMRect>());
  useLayoutEffect(() => {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const seen = new Map<string, DOMRect>();
    for (const child of grid.current?.children ?? []) {
      if (!(child instanceof HTMLElement) || !child.dataset["slot"]) continue;
      const rect = child.getBoundingClientRect();
      const old = before.current.get(child.dataset["slot"]);
      seen.set(child.dataset["slot"], rect);
      if (still || !old || (old.x === rect.x && old.y === rect.y)) continue;
      child.animate(
        [{ transform: `translate(${old.x - rect.x}px, ${old.y - rect.y}px)` }, { transform: "none" }],
        { duration: 250, easing: "ease-out" },
      );
    }
    before.current = seen;
  }, [order]);
  return grid;
}

/** How many cards fit on the wall, by rows and columns of a known size. */
function useFit(wall: boolean): number {
  const [fit, setFit] = useState(Infinity);
  useEffect(() => {
    if (!wall) return;
    const measure = () => {
      const grid = document.querySelector(".ward");
      if (!grid) return;
      const style = getComputedStyle(grid);
      const columns = style.gridTemplateColumns.split(" ").length;
      const top = grid.getBoundingClientRect().top;
      const foot = document.querySelector(".foot")?.getBoundingClientRect().height ?? 0;
      const rowPx = Number.parseFloat(style.gridAutoRows) + Number.parseFloat(style.rowGap);
      setFit(Math.max(1, Math.floor((innerHeight - top - foot) / rowPx)) * columns);
    };
    measure();
    addEventListener("resize", measure);
    const timer = setInterval(measure, 2000);
    return () => {
      removeEventListener("resize", measure);
      clearInterval(timer);
    };
  }, [wall]);
  return fit;
}

export function Ward({ wall }: { wall: boolean }) {
  const order = placed.value;
  const fit = useFit(wall);
  const whole = order.length > fit ? order.slice(0, fit) : order;
  const rest = order.slice(whole.length);
  const grid = useMotion(whole.map(({ card }) => card.key).join(" "));
  if (order.length === 0) {
    return <p class="empty">{linkUp.value ? "No pump has been heard of yet." : "Waiting for the first picture."}</p>;
  }
  return (
    <>
      <div class={`ward ${linkUp.value ? "" : "unlinked"}`} ref={grid}>
        {whole.map(({ card }) => {
          const of = cards.value.get(card.key);
          return of && <div class="slot" key={card.key} data-slot={card.key}><BedCard of={of} wall={wall} /></div>;
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
