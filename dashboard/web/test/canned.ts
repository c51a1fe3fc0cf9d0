import type { Alarm, Card } from "../src/types";

/** A running pump at bed 1 with no alarm. */
export function card(fields: Partial<Card> = {}): Card {
  return {
    key: "PUMP-01/1",
    pump: "PUMP-01",
    channel: "1",
    bed: "1",
    ward: "pain-clinic",
    label: "B.K.",
    provenance: "demo",
    alarms: [],
    not_live: "",
    age_ms: 200,
    sent_ms: 1000,
    freshness: "fresh",
    stale_after_ms: 5000,
    lost_after_ms: 10_000,
    flow_step_ml_h: "0.1",
    programme: {
      drug: "ketamine", concentration: "2 mg/mL", care_area: "pain-clinic", weight_kg: "70",
      dose_min: "0.1", dose_max: "0.5", dose_unit: "mg/kg/h", volume_ml: "50", duration_s: 7200,
    },
    reading: {
      seq: 1, age_ms: 100, status: "running", flow_ml_h: "10.5", set_flow_ml_h: "10.5", volume_ml: "12.4",
      vtbi_ml: "21", dose: "0.3", pressure_kpa: null, battery_percent: 80, invalid: [], provenance: "demo",
    },
    ...fields,
  };
}

/** An alarm that nobody has. */
export function alarm(fields: Partial<Alarm> = {}): Alarm {
  return {
    condition: "over-hard", priority: "HIGH", signal: "on", revision: 1, since: "2026-05-04T14:02:00Z",
    title: "TOO FAST: 1.4 mg/kg/h, limit 1 mg/kg/h", action: "Look at the pump.", measured: "1.4 mg/kg/h",
    allowed: "1 mg/kg/h", audience: "nurse", acknowledged_by: "", acknowledged_at: null, journalled: true,
    ...fields,
  };
}
