/** Where the dose stands between its limits: thick is usual, the ends are hard. */

import { number, unit } from "./format";
import type { Limits } from "./types";

/** Return a position in percent of the bar for each limit and the dose; the hard maximum stands at 80. */
export function positions(limits: Limits, dose: string | null) {
  const top = Number(limits.hard_max ?? limits.soft_max);
  if (!(top > 0)) return null;
  const at = (value: string | null) => (value === null ? null : Math.min(100, Math.max(0, (Number(value) / top) * 80)));
  return {
    hardMin: at(limits.hard_min) ?? 0,
    softMin: at(limits.soft_min) ?? at(limits.hard_min) ?? 0,
    softMax: at(limits.soft_max) ?? 80,
    hardMax: 80,
    dose: at(dose),
    beyond: dose !== null && (Number(dose) / top) * 80 > 100,
  };
}

export function LimitBar({ limits, dose, faded }: { limits: Limits; dose: string | null; faded: boolean }) {
  const place = positions(limits, dose);
  if (!place) return null;
  const over = dose !== null && limits.hard_max !== null && Number(dose) > Number(limits.hard_max);
  const words =
    (limits.soft_min && limits.soft_max ? `usual ${number(limits.soft_min)} to ${number(limits.soft_max)}` : "") +
    (limits.hard_max ? `, limit ${number(limits.hard_max)} ${unit(limits.unit)}` : "");
  return (
    <div class={`limits ${faded ? "faded" : ""}`} role="img" aria-label={`Dose limits: ${words}`}>
      <svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
        <rect class="limits-beyond" x="80" y="4" width="20" height="4" />
        <rect class="limits-track" x={place.hardMin} y="4" width={80 - place.hardMin} height="4" />
        <rect class="limits-usual" x={place.softMin} y="2.5" width={Math.max(0.5, place.softMax - place.softMin)} height="7" />
        <rect class="limits-end" x="79.6" y="0" width="0.9" height="12" />
      </svg>
      {place.dose !== null && !faded && (
        <span class={`limits-mark ${over ? "over" : ""}`} style={{ left: `clamp(4px, ${place.dose}%, 100% - 4px)` }} />
      )}
      <span class="limits-words">
        {limits.soft_max && <span style={{ left: `${(place.softMin + place.softMax) / 2}%` }}>
          usual {limits.soft_min ? `${number(limits.soft_min)}–` : "to "}{number(limits.soft_max)}
        </span>}
        {limits.hard_max && <span style={{ left: "80%" }}>max {number(limits.hard_max)}</span>}
      </span>
    </div>
  );
}
