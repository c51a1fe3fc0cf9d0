/** What the clinic gives, as the server lists it; asked for once a page and again after a failure. */

import { signal } from "@preact/signals";
import type { Template } from "./infusion-types";

/** Null before the server answered. */
export const templates = signal<Template[] | null>(null);
export const templatesFailed = signal(false);

/** Ask the server unless it has answered already. */
export async function loadTemplates(): Promise<void> {
  if (templates.peek()) return;
  try {
    const response = await fetch("/api/templates");
    if (!response.ok) throw new Error(`${response.status}`);
    templates.value = (await response.json()) as Template[];
    templatesFailed.value = false;
  } catch {
    templatesFailed.value = true;
  }
}
