/** Everything the page knows, as signals; the stream writes them, components read them. */

import { computed, signal, type Signal } from "@preact/signals";
import { Transit } from "./age";
import { freshness, type Freshness } from "./freshness";
import { arrange, nurseAlarms, settle, type Held, type Placed } from "./order";
import type { Alarm, Card, CardFrame, Frame, JournalEvent, NodePart } from "./types";

const EVENTS_KEPT = 300;

/** This page's own clock in ms, moved on by `tick`; ages on the screen follow it. */
export const now = signal(performance.now());
export const linkUp = signal(false);
/** When the link to the server was lost, as a time of day in ms; null while it is up or never was. */
export const linkLostAt = signal<number | null>(null);
export const everLinked = signal(false);
export const site = signal("");
export const version = signal("");
export const serverTime = signal("");
export const brokerUp = signal(false);
export const nodes = signal<NodePart[]>([]);
export const cards = signal<Map<string, Signal<Card>>>(new Map());
/** Goes up when a card's alarms, freshness or group may have changed. */
const shape = signal(0);
export const events = signal<JournalEvent[]>([]);

let transit = new Transit();
/** Server's time of day less this page's own clock, in ms: this machine's time of day may be wrong by hours. */
let wallOffsetMs: number | null = null;

/** Return the server's time of day in ms since 1970; this machine's before the server was heard. */
export function wallNow(): number {
  return wallOffsetMs === null ? Date.now() : wallOffsetMs + performance.now();
}

function setWall(serverWall: string, arrivedMs: number): void {
  const ms = Date.parse(serverWall);
  if (Number.isFinite(ms)) wallOffsetMs = ms - arrivedMs;
  serverTime.value = serverWall;
}

/** Take one frame of the stream at page time `arrivedMs`. */
export function take(frame: Frame, arrivedMs: number): void {
  // A picture begins a connection, maybe to another run of the server with another clock.
  if (frame.t === "picture") transit = new Transit();
  transit.observe(frame.sent_ms, arrivedMs);
  switch (frame.t) {
    case "picture": {
      const fresh = new Map<string, Signal<Card>>();
      for (const part of frame.pumps) fresh.set(part.key, signal(withTime(part, frame.sent_ms)));
      cards.value = fresh;
      site.value = frame.site;
      version.value = frame.version;
      events.value = frame.events.slice(-EVENTS_KEPT).reverse();
      takeSite(frame, arrivedMs);
      break;
    }
    case "cards": {
      const next = new Map(cards.peek());
      for (const key of frame.gone) next.delete(key);
      for (const part of frame.pumps) {
        dropPlaceholder(next, part);
        const present = next.get(part.key);
        if (present) present.value = withTime(part, frame.sent_ms);
        else next.set(part.key, signal(withTime(part, frame.sent_ms)));
      }
      cards.value = next;
      break;
    }
    case "numbers":
      for (const part of frame.pumps) {
        const present = cards.peek().get(part.key);
        if (present) present.value = { ...present.peek(), ...part, sent_ms: frame.sent_ms };
      }
      return;
    case "site":
      takeSite(frame, arrivedMs);
      for (const [key, notLive] of Object.entries(frame.not_live)) {
        const present = cards.peek().get(key);
        const age = frame.ages[key] ?? null;
        if (present) {
          present.value = { ...present.peek(), not_live: notLive, age_ms: age, sent_ms: frame.sent_ms };
        }
      }
      break;
    case "beat":
      setWall(frame.server_time, arrivedMs);
      return;
    case "event":
      events.value = [frame.event, ...events.peek().filter((event) => event.id !== frame.event.id)].slice(0, EVENTS_KEPT);
      return;
  }
  shape.value += 1;
}

function withTime(part: CardFrame, sentMs: number): Card {
  return { ...part, sent_ms: sentMs };
}

function dropPlaceholder(map: Map<string, Signal<Card>>, part: CardFrame): void {
  for (const [key, card] of map) {
    if (card.peek().pump === part.pump && card.peek().not_live === "never" && key !== part.key) map.delete(key);
  }
}

function takeSite(frame: { server_time: string; broker_up: boolean; nodes: NodePart[] }, arrivedMs: number): void {
  setWall(frame.server_time, arrivedMs);
  brokerUp.value = frame.broker_up;
  nodes.value = frame.nodes;
}

/** Return the age of a card's reading at page time `nowMs`. */
export function ageOf(card: Card, nowMs: number): number | null {
  return transit.age(card.age_ms, card.sent_ms, nowMs);
}

export function freshnessOf(card: Card, nowMs: number): Freshness {
  return freshness(card, ageOf(card, nowMs), linkUp.value);
}

/** Moves once a second: what depends on ages is looked at anew then. */
export const second = computed(() => Math.floor(now.value / 1000));

let held: ReadonlyMap<string, Held> = new Map();

/** All cards in the order of the page. */
export const placed = computed<Placed[]>(() => {
  void shape.value;
  void second.value;
  const nowMs = now.peek();
  const shown = [...cards.value.values()].map((card) => ({ card: card.peek(), fresh: freshnessOf(card.peek(), nowMs) }));
  held = settle(held, shown, nowMs);
  return arrange(shown, held);
});

export interface WardAlarm {
  alarm: Alarm;
  card: Card | null;
  node: string;
}

/** Every alarm for nurses on the page, worst first, those of the nodes among them. */
export const wardAlarms = computed<WardAlarm[]>(() => {
  void shape.value;
  const all: WardAlarm[] = [];
  for (const placedCard of placed.value) {
    const { card } = placedCard;
    for (const alarm of nurseAlarms(card.alarms)) all.push({ alarm, card, node: card.node ?? "" });
  }
  for (const node of nodes.value) {
    for (const alarm of nurseAlarms(node.status?.alarms ?? [])) all.push({ alarm, card: null, node: node.node });
  }
  return all;
});

/** What only an engineer acts on: it never sounds and takes no card. */
export const engineerNotes = computed<{ where: string; alarm: Alarm }[]>(() => {
  void shape.value;
  const notes: { where: string; alarm: Alarm }[] = [];
  const add = (where: string, alarms: Alarm[]) => {
    for (const alarm of alarms) if (alarm.audience === "engineer" && alarm.signal !== "off") notes.push({ where, alarm });
  };
  for (const card of cards.value.values()) add(`bed ${card.peek().bed || card.peek().pump}`, card.peek().alarms);
  for (const node of nodes.value) add(node.node, node.status?.alarms ?? []);
  return notes;
});
