/** Which page the address names. */

/** Return the key of the pump in an address such as "#/pump/PUMP-01/1", null for the ward. */
export function pumpOf(hash: string): string | null {
  const written = /^#\/pump\/(.+)$/.exec(hash)?.[1];
  if (written === undefined) return null;
  try {
    return decodeURIComponent(written);
  } catch {
    // A half-typed escape is no reason to show nothing.
    return written;
  }
}

/** Return the address of a pump's own page. */
export function pageOf(key: string): string {
  return `#/pump/${key.split("/").map(encodeURIComponent).join("/")}`;
}
