/** One bed: quiet while nothing is wrong. */

import type { Signal } from "@preact/signals";
import { AlarmBand } from "./alarm-band";
import { decimalsOf, doseDecimals, GAP, number, span, unit } from "./format";
import { FoundPump } from "./found-pump";
import { delivers, type Freshness } from "./freshness";
import type { Infusion } from "./infusion-types";
import { amount, isDue, lookWords } from "./infusion-words";
import { LimitBar } from "./limit-bar";
import { nurseAlarms, offLine } from "./order";
import { isShelved } from "./quiet";
import { PausePump } from "./pause-pump";
import { timeLeft, volumeLeft } from "./progress";
import { pageOf } from "./route";
import { Spark } from "./spark";
import { ageOf, freshnessOf, linkUp, now, second, wallNow } from "./store";
import type { Card, Reading } from "./types";
import { alarmWords, capital, driverWords, identityWords, laboratoryWords, staleWords, statusWord } from "./words";

interface BedProps {
  of: Signal<Card>;
  wall: boolean;
  /** On the pump's own page, where there is room for what is seldom asked. */
  own?: boolean;
}

export function BedCard({ of, wall, own = false }: BedProps) {
  const card = of.value;
  const ageMs = ageOf(card, now.value);
  const fresh = freshnessOf(card, now.value);
  const alarms = nurseAlarms(card.alarms);
  const worst = alarms[0];
  const tone = worst ? `alarmed alarm-${worst.priority} is-${isShelved(worst) ? "shelved" : worst.signal}` : fresh === "fresh" ? "quiet" : "stale";
  const name = card.bed || card.pump;
  return (
    <article class={`card ${tone} ${card.provenance === "demo" ? "demo" : "real"} fresh-${fresh}`}
      aria-label={`Bed ${name}`} data-key={card.key}>
      {worst && (
        <AlarmBand
          place={{ key: card.key, node: card.node ?? "", boot_id: card.boot_id ?? "", pump: card.pump, channel: card.channel }}
          alarms={alarms} ageMs={ageMs} answerable={!wall} live={linkUp.value && card.not_live === ""} />
      )}
      <div class="card-side">
        {/* Made anew when an alarm comes or ends: Chromium does not always restyle what is inside a size container. */}
        <div class="card-body" key={worst ? "alarmed" : "quiet"}>
          {card.provenance === "demo" && <Watermark />}
          <Head card={card} fresh={fresh} name={name} />
          <Figures card={card} fresh={fresh} ageMs={ageMs} alarmed={worst?.condition === "link-lost"} />
          {card.limits && <LimitBar limits={card.limits} dose={card.reading?.dose ?? null} faded={fresh !== "fresh"} />}
          <Progress card={card} fresh={fresh} ageMs={ageMs} />
          {card.infusion && <Course infusion={card.infusion} />}
          <Spark name={card.key} limits={card.limits ?? null}
            flow={fresh === "fresh" && card.reading?.flow_ml_h ? Number(card.reading.flow_ml_h) : null} />
        </div>
        {!wall && <FoundPump card={card} />}
        {!wall && (own || worst) && <PausePump card={card} fresh={fresh} />}
      </div>
    </article>
  );
}

function Watermark() {
  return (
    <div class="watermark" aria-label="Training, no patient">
      <span>TRAINING</span>
      <span>NO PATIENT</span>
    </div>
  );
}

function Head({ card, fresh, name }: { card: Card; fresh: Freshness; name: string }) {
  const status = fresh === "fresh" ? statusWord(card.reading?.status) : "NOT LIVE";
  const quiet = fresh === "fresh" && card.reading !== null && delivers(card);
  return (
    <header class="card-head">
      <h2 class={name.length > 4 ? "long" : ""}>
        <a href={pageOf(card.key)} aria-label={`Bed ${name}, open the pump's page`}>{name}</a>
      </h2>
      <div class="card-who">
        <p class="card-label">{card.label || GAP}</p>
        <p class="card-drug">
          {card.programme ? (
            <><span class="drug">{capital(card.programme.drug)}</span> <span class="strength">{card.programme.concentration}</span></>
          ) : "No order"}
        </p>
      </div>
      <p class={`card-status ${quiet ? "" : "strong"} status-${card.reading?.status ?? "none"}`}>{status}</p>
    </header>
  );
}

interface FiguresProps {
  card: Card;
  fresh: Freshness;
  ageMs: number | null;
  /** The band says it already. */
  alarmed: boolean;
}

function Figures({ card, fresh, ageMs, alarmed }: FiguresProps) {
  const reading = card.reading;
  const live = fresh === "fresh";
  const off = linkUp.value ? offLine(card) : undefined;
  return (
    <div class={`figures ${live ? "" : "struck"}`}>
      {off && <p class="stale-words">{alarmWords(off, null)}</p>}
      {!off && !live && !(alarmed && linkUp.value) && <p class="stale-words">{staleWords(card, fresh, ageMs, linkUp.value)}</p>}
      <Figure of={reading} field="flow_ml_h" decimals={decimalsOf(card.flow_step_ml_h)} unitText="mL/h" live={live} />
      {card.programme && (
        <Figure of={reading} field="dose" unitText={unit(card.programme.dose_unit)} live={live}
          decimals={doseDecimals(reading?.flow_ml_h ?? null, reading?.dose ?? null, card.flow_step_ml_h)} />
      )}
    </div>
  );
}

interface FigureProps {
  of: Reading | null;
  field: "flow_ml_h" | "dose";
  decimals: number;
  unitText: string;
  live: boolean;
}

function Figure({ of, field, decimals, unitText, live }: FigureProps) {
  const value = of?.[field] ?? null;
  const invalid = of?.invalid.includes(field) ?? false;
  const shown = invalid ? "?" : value === null ? "–" : number(value, decimals);
  return (
    <p class="figure">
      {live ? <b>{shown}</b> : <s>{shown}</s>}
      <span class="figure-unit">{GAP}{unitText}</span>
    </p>
  );
}

/** What was given and when to look at the patient; what to set only while the pump is set to something else. */
function Course({ infusion }: { infusion: Infusion }) {
  void second.value;
  return (
    <p class="progress course">
      {infusion.agrees === false && infusion.state !== "ended" && <b>To set: {number(infusion.set_ml_h)}{GAP}mL/h</b>}
      <span>{amount(infusion.given, infusion.amount_unit, infusion.given_up_to)} given</span>
      {infusion.look_due_at && (isDue(infusion, wallNow())
        ? <b>look {lookWords(infusion, wallNow())}</b>
        : <span>look {lookWords(infusion, wallNow())}</span>)}
    </p>
  );
}

function Progress({ card, fresh, ageMs }: { card: Card; fresh: Freshness; ageMs: number | null }) {
  const reading = card.reading;
  if (fresh !== "fresh" || !reading) {
    return <p class="progress">{reading ? `last read ${ageMs === null ? "?" : span(ageMs)} ago` : GAP}</p>;
  }
  const given = reading.volume_ml;
  const left = volumeLeft(reading, card.programme?.volume_ml ?? null);
  const isNear = card.alarms.some((alarm) => alarm.condition === "near-end" && alarm.signal !== "latched");
  const doubts = [laboratoryWords(card) && "laboratory pump", driverWords(card.link?.verified), identityWords(card)].filter(Boolean).join(", ");
  return (
    <p class="progress">
      {given !== null && (
        <span>{number(given, 1)}{left !== null && ` of ${number(Number(given) + left, 1)}`}{GAP}mL</span>
      )}
      <span>{timeLeft(reading, left, card.infusion?.remaining_s ?? null, isNear)}</span>
      <span>{ageMs === null ? "" : `${span(ageMs)} ago`}</span>
      {doubts && card.provenance === "real" && <span class="unverified">{doubts}</span>}
    </p>
  );
}
