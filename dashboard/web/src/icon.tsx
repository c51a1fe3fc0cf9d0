/** The shapes of the three priorities: told apart without colour. */

import type { Inactivation, Priority } from "./types";
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

/** A bell under a dashed cross (IEC 60417-5576-2, AUDIO PAUSED), or a clock for what is put off. */
export function QuietIcon({ kind }: { kind: Inactivation["kind"] }) {
  return (
    <svg class="icon-quiet" viewBox="0 0 24 24" aria-hidden="true">
      {kind === "shelved" ? (
        <path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 7v5l4 2" />
      ) : (
        <>
          <path d="M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15ZM10 21h4" />
          <path d="M3 3l18 18M21 3L3 21" stroke-dasharray="4 2.5" />
        </>
      )}
    </svg>
  );
}
