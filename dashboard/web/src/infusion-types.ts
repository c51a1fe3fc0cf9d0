/** What travels of infusions: the part of a snapshot, and what a clinic gives (its templates). */

export interface Version {
  number: number;
  dose_min: string;
  dose_max: string;
  dose_unit: string;
  volume_ml: string | null;
  duration_s: number | null;
  by: string;
  at: string;
  reason: string;
  checked_by: string;
}

export interface Observation {
  by: string;
  at: string;
  pain: number | null;
  sedation: string;
  systolic_mmhg: number | null;
  diastolic_mmhg: number | null;
  pulse_per_min: number | null;
  spo2_percent: number | null;
  side_effects: string;
}

/** A soft limit that was passed on purpose. */
export interface Acceptance {
  condition: string;
  words: string;
  by: string;
  at: string;
  reason: string;
}

/** The drug library in force, where it is tighter for an infusion. */
export interface NewerLibrary {
  version: string;
  sha256: string;
  tighter: string[];
  /** Why the present order can not stand under it. */
  problem: string;
}

export interface Infusion {
  id: string;
  state: "begun" | "running" | "standing" | "ended";
  drug: string;
  concentration: string;
  form: string;
  care_area: string;
  indication: string;
  begun_by: string;
  begun_at: string;
  attached: boolean;
  template: string;
  ended_by: string;
  ended_at: string | null;
  version: number;
  versions: Version[];
  dose: string;
  /** Grows with each dose that is set inside the order. */
  dose_revision: number;
  dose_unit: string;
  set_ml_h: string;
  /** The pump is set to it; null while that can not be known. */
  agrees: boolean | null;
  amount_unit: "mg" | "U";
  given: string;
  given_up_to: boolean;
  given_ml: string;
  remaining_ml: string | null;
  /** Of the ordered time. */
  remaining_s: number | null;
  to_waste: string | null;
  look_due_at: string | null;
  observations: Observation[];
  checklist_open: string[];
  second_check: boolean;
  checked_by: string;
  accepted: Acceptance[];
  pumps: string[];
  /** Null where the drug library in force is no tighter than the one that it was begun under. */
  newer_library: NewerLibrary | null;
  advisories: string[];
}

export interface Order {
  drug: string;
  concentration: string;
  care_area: string;
  form: string;
  indication: string;
  weight_kg: string | null;
  dose: string;
  dose_min: string;
  dose_max: string;
  dose_unit: string;
  volume_ml: string | null;
  duration_min: number | null;
}

export interface Question {
  ask: string;
  second_person: boolean;
}

export interface Template {
  name: string;
  order: Order;
  checklist: Question[];
  advisories: string[];
  second_check: boolean;
}
