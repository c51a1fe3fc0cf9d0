/** What travels over the stream: the contract's payloads in the server's frames. */

import type { Infusion } from "./infusion-types";

export type Priority = "LOW" | "MEDIUM" | "HIGH";
export type Signal = "off" | "on" | "latched" | "acknowledged";
export type Provenance = "real" | "demo";

/** What quiets an alarm without an acknowledgement; it always ends. */
export interface Inactivation {
  kind: "audio-paused" | "shelved";
  by: string;
  at: string;
  until: string;
  reason: string;
}

/** The last attempt to tell one contact. */
export interface Call {
  contact: string;
  at: string;
  by: string;
  failed: string;
}

export interface Escalation {
  step_count: number;
  told: string[];
  waiting: string[];
  calls?: Call[];
}

export interface Alarm {
  condition: string;
  priority: Priority;
  signal: Signal;
  revision: number;
  since: string;
  title: string;
  action: string;
  measured: string;
  allowed: string;
  audience: "nurse" | "engineer";
  acknowledged_by: string;
  acknowledged_at: string | null;
  inactivation?: Inactivation | null;
  /** The dead line whose own alarm speaks for this one; empty when none does. */
  suppressed_by?: string;
  escalation?: Escalation | null;
  /** Of a limit that may be accepted with a reason, while an infusion goes on. */
  soft?: boolean;
  journalled: boolean;
}

export interface Reading {
  seq: number;
  age_ms: number;
  status: string;
  flow_ml_h: string | null;
  set_flow_ml_h: string | null;
  volume_ml: string | null;
  /** Still to be infused, as the pump says. */
  vtbi_ml: string | null;
  dose: string | null;
  pressure_kpa: string | null;
  battery_percent: number | null;
  invalid: string[];
  provenance: Provenance;
}

export interface Programme {
  drug: string;
  concentration: string;
  care_area: string;
  form?: string;
  indication?: string;
  weight_kg: string | null;
  dose_min: string;
  dose_max: string;
  dose_unit: string;
  volume_ml: string | null;
  duration_s: number | null;
}

export interface Limits {
  unit: string;
  soft_min: string | null;
  soft_max: string | null;
  hard_min: string | null;
  hard_max: string | null;
  hard_max_flow_ml_h: string | null;
  soft_max_flow_ml_h: string | null;
  soft_min_flow_ml_h: string | null;
  ceiling_ml_h: string | null;
}

export interface Link {
  state: string;
  detail: string;
  /** The pump of the house that answers in its place; empty when none does. */
  instead?: string;
  driver: string;
  verified: string;
  unverified?: string[];
  /** False for a laboratory pump: a real one can not begin an infusion. */
  human_use?: boolean;
  url: string;
  round_trip_ms: number | null;
  errors: number;
}

export interface Restraint {
  may_pause: boolean;
  enforcement: string;
  library_signed: boolean;
  library_allows: string;
  pause_proven: boolean;
  phase: "idle" | "asked";
}

/** Why numbers are not live; empty when they are. */
export type NotLive = "" | "broker" | "waiting" | "node-lost" | "node-offline" | "never";

export interface Numbers {
  key: string;
  reading: Reading | null;
  age_ms: number | null;
  not_live: NotLive;
}

/** A card as the server sends it; what follows `alarms` is missing for a pump nobody has heard of yet. */
export interface CardFrame extends Numbers {
  pump: string;
  channel: string;
  bed: string;
  ward: string;
  label: string;
  provenance: Provenance;
  alarms: Alarm[];
  node?: string;
  boot_id?: string;
  at?: string;
  make?: string;
  model?: string;
  serial_number?: string;
  freshness?: "fresh" | "stale" | "lost";
  stale_after_ms?: number;
  lost_after_ms?: number;
  flow_step_ml_h?: string;
  programme?: Programme | null;
  /** Begun by a person; null when none has. */
  infusion?: Infusion | null;
  limits?: Limits | null;
  restraint?: Restraint;
  link?: Link;
  library_version?: string;
  library_sha256?: string;
}

/** A card on the page: `sent_ms` is the server's clock at the moment its numbers were sent. */
export interface Card extends CardFrame {
  sent_ms: number;
}

export interface NodeStatus {
  node: string;
  boot_id: string;
  state: "online" | "offline" | "lost";
  version: string;
  at: string | null;
  config_sha256: string;
  library_version: string;
  library_sha256: string;
  library_signed_for: Provenance[];
  journal_seq: number;
  pumps: string[];
  alarms: Alarm[];
  /** Names of those that the node can call. */
  contacts?: string[];
}

export interface NodePart {
  node: string;
  status: NodeStatus | null;
  heard: boolean;
}

export interface JournalEvent {
  id: string;
  node: string;
  seq: number | null;
  journalled: boolean;
  at: string;
  kind: "alarm" | "restraint" | "infusion" | "command" | "node";
  pump: string | null;
  channel: string | null;
  bed: string;
  ward: string;
  event: string;
  before: string;
  alarm: Alarm | null;
  by: string;
  detail: string;
}

interface SiteState {
  server_time: string;
  broker_up: boolean;
  nodes: NodePart[];
}

export type Frame = { sent_ms: number } & (
  | ({ t: "picture"; site: string; version: string; pumps: CardFrame[]; events: JournalEvent[] } & SiteState)
  | { t: "cards"; pumps: CardFrame[]; gone: string[] }
  | { t: "numbers"; pumps: Numbers[] }
  | ({ t: "site"; not_live: Record<string, NotLive>; ages: Record<string, number | null> } & SiteState)
  | { t: "beat"; n: number; server_time: string }
  | { t: "event"; event: JournalEvent }
);

export interface Trend {
  series: string;
  unit: string;
  start_ms: number[];
  low: number[];
  high: number[];
  mean: number[];
  count: number[];
}
