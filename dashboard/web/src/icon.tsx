/** The shapes of the three priorities: told apart without colour. */

import type { Priority } from "./types";
import { ICON_MARKS } from "./words";

/** A triangle with !!! or !!, or a circle with !. */
export function AlarmIcon({ priority, small = false }: { priority: Priority; small?: boolean }) {
  const marks = ICON_MARKS[priority];
  return (
    <svg class={small ? "icon icon-small" : "icon"} viewBox="0 0 64 58" role="img" aria-label={`${priority} priority`}>
      {priority === "LOW" ? <circle cx="32" cy="29" r="27" /> : <path d="M32 2 L62 56 L2 56 Z" />}
      <text x="32" y={priority === "LOW" ? 40 : 49} text-anchor="middle">
        {marks}
      </text>
    </svg>
  );
}
