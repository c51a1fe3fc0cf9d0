/** The pump's own page: its card, one time line for all, its journal, its link. */

import { useEffect, useState } from "preact/hooks";
import { BedCard } from "./card";
import { span, timeOfDay } from "./format";
import { journal } from "./history";
import { InfusionPanel } from "./infusion";
import { OffLine } from "./off-line";
import { cards, events, wallNow } from "./store";
import { TrendChart } from "./trend";
import type { Card, JournalEvent } from "./types";
import { driverWords, eventWords, identityWords } from "./words";

const DAY_MS = 86_400_000;

/** Return the journal of a pump: what history holds, and what came over the stream since. */
function useJournal(pump: string): JournalEvent[] {
  const [old, setOld] = useState<JournalEvent[]>([]);
  useEffect(() => {
    let gone = false;
    void journal(pump, wallNow() - 7 * DAY_MS, wallNow() + DAY_MS).then((found) => {
      if (!gone && found) setOld(found);
    });
    return () => {
      gone = true;
    };
  }, [pump]);
  const fresh = events.value.filter((event) => event.pump === pump);
  const known = new Set(fresh.map((event) => event.id));
  return [...fresh, ...old.filter((event) => !known.has(event.id))].sort((a, b) => b.at.localeCompare(a.at));
}

export function PumpPage({ name }: { name: string }) {
  const of = cards.value.get(name);
  const lines = useJournal(name.split("/")[0] ?? name);
  if (!of) {
    return <p class="empty">No pump {name} is known here. <a href="#/">All beds</a></p>;
  }
  const card = of.value;
  return (
    <div class="pump-page">
      <p class="crumb"><a href="#/">‹ All beds</a></p>
      <div class="pump-side">
        <BedCard of={of} wall={false} own />
        <LinkFacts card={card} />
      </div>
      <div class="pump-main">
        <InfusionPanel card={card} />
        <section class="panel"><TrendChart of={of} lines={lines} /></section>
        <section class="panel">
          <h3>Journal</h3>
          {lines.length === 0 && <p class="quiet-text">Nothing has happened in the last seven days.</p>}
          <ol class="journal">
            {lines.slice(0, 100).map((event) => (
              <li key={event.id}>
                <time dateTime={event.at}>{dayAndTime(event.at)}</time>
                <span class={`mark mark-${event.alarm?.priority ?? "NONE"}`} />
                <span>{eventWords(event)}{!event.journalled && " (not yet in the journal)"}</span>
              </li>
            ))}
          </ol>
        </section>
      </div>
    </div>
  );
}

function dayAndTime(iso: string): string {
  const at = new Date(iso);
  const today = new Date(wallNow()).toDateString() === at.toDateString();
  const day = today ? "" : `${at.toLocaleDateString("en", { day: "numeric", month: "short" })} `;
  return day + timeOfDay(iso, true);
}

function LinkFacts({ card }: { card: Card }) {
  const { link, restraint } = card;
  const facts: [string, string][] = [
    ["Pump", [card.pump, card.make, card.model, card.serial_number || identityWords(card)].filter(Boolean).join(" ")],
    ["Values are", card.provenance === "real" ? "REAL" : "TRAINING, no patient"],
  ];
  if (link) {
    facts.push(
      ["Line", link.url],
      ["State", link.state + (link.detail ? `: ${link.detail}` : "")],
      ["Driver", `${link.driver}${driverWords(link.verified) ? ` (${driverWords(link.verified)})` : ""}`],
      ["For people", link.human_use === false ? "no: a laboratory pump" : "yes"],
      ["Unverified", (link.unverified ?? []).join("; ") || "nothing that its documents leave open"],
      ["Round trip", link.round_trip_ms === null ? "unknown" : `${link.round_trip_ms.toFixed(0)} ms`],
      ["Errors", String(link.errors)],
    );
  }
  if (card.stale_after_ms) facts.push(["Stale after", span(card.stale_after_ms)]);
  if (restraint) facts.push(["pumpd may pause it", restraint.may_pause ? "yes" : `no: ${whyNot(card)}`]);
  if (card.library_version) facts.push(["Drug library", `${card.library_version} (${card.library_sha256?.slice(0, 8) ?? ""})`]);
  return (
    <section class="panel facts">
      <h3>Link</h3>
      <dl>
        {facts.map(([name, value]) => [<dt key={`${name}-t`}>{name}</dt>, <dd key={`${name}-d`}>{value}</dd>])}
      </dl>
      {card.not_live !== "never" && <OffLine card={card} />}
    </section>
  );
}

/** Return why pumpd may not pause this pump: every one of the three things that is missing. */
function whyNot(card: Card): string {
  const restraint = card.restraint;
  if (!restraint) return "";
  const missing = [];
  if (restraint.enforcement !== "pause") missing.push(`set to ${restraint.enforcement}`);
  if (!restraint.library_signed) missing.push("library not signed for it");
  if (restraint.library_allows !== "pause") missing.push(`library allows ${restraint.library_allows}`);
  if (!restraint.pause_proven) missing.push("pausing is not proven for this driver");
  return missing.join(", ");
}
