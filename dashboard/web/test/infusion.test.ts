import { describe, expect, test, vi } from "vitest";
import { draftOf, fieldOf, numberProblem, sentence } from "../src/draft";
import type { Infusion, Template } from "../src/infusion-types";
import { agreesWords, amount, isDue, leftWords, lookWords, orderWords } from "../src/infusion-words";
import { card } from "./canned";

vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => undefined });
const asking = await import("../src/infusion-ask");
const { answerProblems, openQuestions, BEGIN_FIELDS, beginBody, beginProblems, changeBody, firstValues, infusionRequest, isOutside, lookedAgain, movedSince, observeBody, observeProblems, olderPicture, orderSeen, takeOverBody } = asking;
const { take } = await import("../src/store");

const plain = (text: string) => text.replace(/\u00a0/g, " ");

const template: Template = {
  name: "Ketamine, chronic pain",
  order: {
    drug: "ketamine", concentration: "2 mg/mL", care_area: "pain-clinic", form: "racemic", indication: "chronic pain",
    weight_kg: null, dose: "0.3", dose_min: "0.1", dose_max: "0.5", dose_unit: "mg/kg/h", volume_ml: "50", duration_min: 120,
  },
  checklist: [{ ask: "Uncontrolled hypertension?", second_person: true }, { ask: "Pregnant?", second_person: false }],
  advisories: [],
  second_check: true,
};

const infusion: Infusion = {
  id: "i1", state: "running", drug: "ketamine", concentration: "2 mg/mL", form: "racemic", care_area: "pain-clinic", indication: "chronic pain", begun_by: "Ann", begun_at: "2026-05-04T14:02:00Z",
  attached: false, template: template.name, ended_by: "", ended_at: null, version: 1,
  versions: [{
    number: 1, dose_min: "0.1", dose_max: "0.5", dose_unit: "mg/kg/h", volume_ml: "50", duration_s: 7200, by: "Ann",
    at: "2026-05-04T14:02:00Z", reason: "", checked_by: "Ben",
  }],
  dose: "0.3", dose_revision: 0, dose_unit: "mg/kg/h", set_ml_h: "10.5", agrees: true, amount_unit: "mg", given: "12.4", given_up_to: false,
  given_ml: "6.2", remaining_ml: "43.8", remaining_s: 5400, to_waste: "87.6", look_due_at: "2026-05-04T14:20:00Z", observations: [],
  checklist_open: [], second_check: true, checked_by: "Ben", accepted: [], pumps: ["PUMP-01/1"], newer_library: null, advisories: [],
};

const typedIn = {
  ...firstValues(template), label: " B.K. ", identifier: "4711", weight_kg: "70", checked_by: "Ben", q0: "no", q1: "no",
};

describe("[DASH-9] a number that is typed", () => {
  test.each(["10.5", "0.3", "120", "0"])("%s is taken", (text) => expect(numberProblem(text)).toBe(""));

  test.each([
    ["10,5", /point, not a comma/],
    ["1,000", /point, not a comma/],
    [".5", /Write 0.5/],
    ["-1", /without a sign/],
    ["1e3", /digits only/],
    ["10 mL", /digits only/],
    ["", /Write a number/],
    ["1234567890", /too long/],
  ])("%j is refused with the reason", (text, why) => expect(numberProblem(text)).toMatch(why));

  test("of whole things has no point", () => {
    expect(numberProblem("90", false)).toBe("");
    expect(numberProblem("90.5", false)).toMatch(/whole number/);
  });
});

describe("[DASH-9] the beginning of an infusion", () => {
  test("is filled in from the template but for what is the patient's", () => {
    expect(firstValues(template)).toEqual({ dose: "0.3", dose_min: "0.1", dose_max: "0.5", volume_ml: "50", duration_min: "120" });
    expect(Object.keys(beginProblems(firstValues(template), template, false)).sort()).toEqual(
      ["checked_by", "identifier", "label", "q0", "q1", "weight_kg"],
    );
  });

  test("is asked as the contract says, each question word for word", () => {
    expect(beginProblems(typedIn, template, false)).toEqual({});
    const { infusion: _, ...free } = card({ node: "ward-a", boot_id: "b00t" });
    expect(infusionRequest(free, "begin", beginBody(typedIn, template))).toEqual({
      path: "infusion/begin",
      body: {
        node: "ward-a", boot_id: "b00t", pump: "PUMP-01", channel: "1", label: "B.K.", identifier: "4711",
        order: { ...template.order, weight_kg: "70" }, template: template.name, checked_by: "Ben",
        answers: [{ ask: "Uncontrolled hypertension?", yes: false }, { ask: "Pregnant?", yes: false }],
        accepted: "", new_series: false, another_patient: "",
      },
    });
  });

  test("a yes that asks for a second person needs the name and the reason, another yes does not", () => {
    const yes = { ...typedIn, q0: "yes", q1: "yes" };
    expect(Object.keys(beginProblems(yes, template, false))).toEqual(["q0-second", "q0-reason"]);
    const whole = { ...yes, "q0-second": "Ben", "q0-reason": "treated since" };
    expect(beginProblems(whole, template, false)).toEqual({});
    expect(beginBody(whole, template)).toMatchObject({
      answers: [{ yes: true, second_person: "Ben", reason: "treated since" }, { yes: true }],
    });
  });

  test("on a pump that runs already the checklist may wait, and nothing is answered for anybody", () => {
    const { q0: _, q1: __, ...open } = typedIn;
    expect(beginProblems(open, template, true)).toEqual({});
    expect(beginBody(open, template)).toMatchObject({ answers: [] });
  });

  test("a comma stands beside the field it was typed in", () => {
    const wrong = beginProblems({ ...typedIn, weight_kg: "70,5", dose: "0,3" }, template, false);
    expect(Object.keys(wrong)).toEqual(["weight_kg", "dose"]);
  });
});

describe("[DASH-9] what is ordered", () => {
  const [ordered] = infusion.versions;
  test("says the dose, how much and for how long, as far as it is ordered", () => {
    expect(plain(orderWords(ordered!))).toBe("0.1 to 0.5 mg/kg/h, 50 mL, for 120 min");
    expect(plain(orderWords({ ...ordered!, volume_ml: null }))).toBe("0.1 to 0.5 mg/kg/h, for 120 min");
    expect(plain(orderWords({ ...ordered!, duration_s: null }))).toBe("0.1 to 0.5 mg/kg/h, 50 mL");
  });
});

describe("[DASH-9] a refusal stands beside its field", () => {
  test.each([
    ["weight_kg", "weight_kg"],
    ["answers", "checklist"],
    ["second_person", "checklist"],
    ["accepted", "accepted"],
    ["bed", ""],
    ["", ""],
  ])("%s", (key, field) => expect(fieldOf(key, BEGIN_FIELDS)).toBe(field));

  test("and reads as a sentence", () => {
    expect(sentence("say why it ends")).toBe("Say why it ends.");
    expect(sentence("Look again!")).toBe("Look again!");
    expect(sentence("")).toBe("");
  });
});

describe("[DASH-9] a dose that is changed", () => {
  const running = card({ infusion });

  test.each([["0.1", false], ["0.5", false], ["0.51", true], ["0.09", true], ["0,7", false]])("%s is outside of the order: %s", (dose, outside) => {
    expect(isOutside(dose, infusion)).toBe(outside);
  });

  test("inside the order it is a message", () => {
    expect(changeBody({ dose: "0.4", dose_min: "0.1", dose_max: "0.5" }, running)).toEqual({
      version: 1, dose_revision: 0, dose: "0.4", accepted: "",
    });
  });

  test("on an older picture is told once, with what the dose is now, and goes out with the present one", () => {
    const seen = orderSeen(infusion);
    const since = { ...infusion, dose: "0.2", dose_revision: 1 };
    expect(olderPicture(seen, infusion)).toBe("");
    expect(olderPicture(seen, since)).toMatch(/the dose to give is 0.2 mg\/kg\/h now. Look again/);
    expect(olderPicture(seen, { ...infusion, version: 2 })).toMatch(/Look again/);
    expect(olderPicture(orderSeen(since), since)).toBe("");
    expect(changeBody({ dose: "0.4" }, card({ infusion: since }))).toMatchObject({ dose_revision: 1 });
    const draft = draftOf("looked again", { dose: "0.4", seen });
    expect(lookedAgain(draft, since)).toHaveProperty("");
    expect(lookedAgain(draft, since)).toEqual({});
  });

  test("outside it is a new order with a reason, of the same drug for the same patient", () => {
    const values = { dose: "0.6", dose_min: "0.1", dose_max: "0.7", reason: "pain 8", checked_by: "Ben", accepted: "Dr N. ordered it" };
    expect(changeBody(values, running)).toEqual({
      version: 1, dose_revision: 0, accepted: "Dr N. ordered it", reason: "pain 8", checked_by: "Ben",
      order: { ...template.order, weight_kg: "70", dose: "0.6", dose_min: "0.1", dose_max: "0.7" },
    });
  });
});

describe("[INF-4] the limits of a tighter drug library", () => {
  const newer_library = { version: "test-2", sha256: "cd", tighter: ["dose rate, hard limit 0.4 mg/kg/h, was 1 mg/kg/h"], problem: "" };
  const running = card({ infusion: { ...infusion, newer_library }, programme: { ...card({}).programme!, weight_kg: "70" } });
  const same = { dose: "0.3", dose_min: "0.1", dose_max: "0.5", reason: "asked the pharmacy", checked_by: "Ben", accepted: "" };

  test("are taken over by their hash, with the present order where nothing else is typed", () => {
    expect(takeOverBody(same, running)).toEqual({
      version: 1, dose_revision: 0, library_sha256: "cd", reason: "asked the pharmacy", checked_by: "Ben", accepted: "",
    });
  });

  test("are taken over with another order where one is typed", () => {
    expect(takeOverBody({ ...same, dose_max: "0.4" }, running)).toMatchObject({
      library_sha256: "cd", order: { ...template.order, weight_kg: "70", dose: "0.3", dose_min: "0.1", dose_max: "0.4" },
    });
  });
});

describe("[DASH-9] a checklist that was left open", () => {
  const open = { ...infusion, checklist_open: ["Pregnant?", "Unknown to the template?"] };

  test("asks for what the template says, and for a second person where nothing is known", () => {
    const questions = openQuestions(open, template);
    expect(questions).toEqual([template.checklist[1], { ask: "Unknown to the template?", second_person: true }]);
    expect(answerProblems({ q0: "yes" }, questions, true)).toEqual({});
    expect(Object.keys(answerProblems({ q1: "yes" }, questions, true))).toEqual(["q1-second", "q1-reason"]);
  });
});

describe("[DASH-9] what somebody saw", () => {
  test("goes out as it was typed, and nothing that was not", () => {
    const seen = { pain: "7", spo2_percent: "96", side_effects: " dizzy " };
    expect(observeProblems(seen)).toEqual({});
    expect(observeBody(seen)).toEqual({ pain: 7, spo2_percent: 96, side_effects: "dizzy" });
    expect(observeBody({ pain: "0" })).toEqual({ pain: 0 });
  });

  test("needs something, and numbers that can be", () => {
    expect(observeProblems({})).toHaveProperty([""]);
    expect(Object.keys(observeProblems({ pain: "11", spo2_percent: "101", pulse_per_min: "72,5" }))).toEqual(
      ["pain", "pulse_per_min", "spo2_percent"],
    );
  });
});

describe("[DASH-9] what the page says of an infusion", () => {
  test("a tick only when the daemon says so", () => {
    expect(agreesWords(infusion, card())).toBe("✓ The pump is set to it");
    expect(agreesWords({ ...infusion, agrees: null }, card())).not.toContain("✓");
    const set = card({ reading: { ...card().reading!, set_flow_ml_h: "12" } });
    expect(agreesWords({ ...infusion, agrees: false }, set)).toBe("✗ The pump is set to 12 mL/h");
  });

  test("up to, where a part could not be counted", () => {
    expect(plain(amount("12.40", "mg", true))).toBe("up to 12.4 mg");
    expect(amount(null, "mg")).toBe("unknown");
  });

  test("when to look at the patient, and that it is due", () => {
    const due = Date.parse(infusion.look_due_at!);
    expect(plain(lookWords(infusion, due - 720_000))).toMatch(/^at \d\d:\d\d, in 12 min$/);
    expect(lookWords(infusion, due)).toMatch(/^NOW, due since/);
    expect([isDue(infusion, due - 1), isDue(infusion, due)]).toEqual([false, true]);
    expect(lookWords({ ...infusion, look_due_at: null }, due)).toBe("no more is due");
  });

  test("done is what the daemon's own state shows", () => {
    const show = (of: Infusion | null) => {
      const { sent_ms: _, ...frame } = card({ infusion: of });
      take({ t: "cards", sent_ms: 0, pumps: [frame], gone: [] }, 0);
    };
    show(infusion);
    const seen = movedSince(card({ infusion }));
    show({ ...infusion, given: "12.5", look_due_at: "2026-05-04T14:21:00Z" });
    expect(seen()).toBe(false);
    for (const after of [null, { ...infusion, version: 2 }, { ...infusion, dose: "0.4" }, { ...infusion, state: "ended" as const }]) {
      show(after);
      expect(seen()).toBe(true);
    }
  });
});

test("of what was given at most, that much is left at least", () => {
  expect(plain(leftWords(infusion))).toBe("87.6 mg");
  expect(plain(leftWords({ ...infusion, given_up_to: true }))).toBe("at least 87.6 mg");
});
