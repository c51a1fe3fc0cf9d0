/** Numbers and times as they stand on the screen: 0.5 never .5, 5 never 5.0, a thin space in thousands. */

const THIN = "\u2009";
const HALF_A_DAY_MS = 43_200_000;
/** Between a number and its unit: a line never breaks there. */
export const GAP = "\u00a0";

/** Return `text` (a plain decimal number) rounded to `decimals`, without trailing zeros, thousands spaced. */
export function number(text: string | number, decimals = 3): string {
  // What is not a plain decimal is not known: an empty text is not zero, and "0x10" is not sixteen.
  const value = typeof text === "number" || /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) return "?";
  const [whole = "0", rest = ""] = Math.abs(value).toFixed(decimals).split(".");
  const digits = rest.replace(/0+$/, "");
  const spaced = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN) : whole;
  const sign = value < 0 && Number(value.toFixed(decimals)) !== 0 ? "\u2212" : "";
  return sign + spaced + (digits ? `.${digits}` : "");
}

/** Return how many decimals a pump with this resolution shows: 0.1 has one, 5 has none. */
export function decimalsOf(step: string | undefined): number {
  const value = Number(step);
  if (!step || !(value > 0)) return 3;
  return Math.max(0, Math.min(6, Math.ceil(-Math.log10(value) - 1e-9)));
}

/** Return how many decimals a dose has: none finer than what one step of the pump changes. */
export function doseDecimals(flow: string | null, dose: string | null, step: string | undefined): number {
  const perFlow = Number(dose) / Number(flow);
  const doseStep = perFlow * Number(step);
  if (!(doseStep > 0) || !Number.isFinite(doseStep)) return 3;
  return Math.max(0, Math.min(4, Math.floor(-Math.log10(doseStep) + 1e-9)));
}

/** Return a span of time in words, short: "12 s", "3 min", "1 h 05 min". */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}${GAP}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}${GAP}min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)}${GAP}days`;
  return `${hours}${GAP}h${GAP}${String(minutes % 60).padStart(2, "0")}${GAP}min`;
}

/** Return what is left of a short wait, as on a kitchen clock: "1:37". */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/**
 * Return the time of day of an ISO time, or of ms since 1970, in the clock of this screen: "14:02".
 *
 * In the night in which clocks go back an hour comes twice, and says which one it is: "02:30 (2nd)".
 */
export function timeOfDay(iso: string | number, seconds = false): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "?";
  const two = (part: number) => String(part).padStart(2, "0");
  const text = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return (seconds ? `${text}:${two(at.getSeconds())}` : text) + whichOfTwo(at);
}

function whichOfTwo(at: Date): string {
  const offsetAt = (ms: number) => new Date(ms).getTimezoneOffset();
  const back = (beforeMs: number) => (offsetAt(beforeMs + HALF_A_DAY_MS) - offsetAt(beforeMs)) * 60_000;
  const now = at.getTime();
  const goesBackMs = back(now);
  if (goesBackMs > 0 && offsetAt(now + goesBackMs) > offsetAt(now)) return " (1st)";
  const wentBackMs = back(now - HALF_A_DAY_MS);
  return wentBackMs > 0 && offsetAt(now - wentBackMs) < offsetAt(now) ? " (2nd)" : "";
}

/** Return a UCUM unit as people write it: "ug/kg/min" becomes "µg/kg/min". */
export function unit(ucum: string): string {
  return ucum.replace(/^ug/, "µg");
}
