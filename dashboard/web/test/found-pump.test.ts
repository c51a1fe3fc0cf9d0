import { describe, expect, test, vi } from "vitest";
import { laboratoryWords } from "../src/words";
import { card } from "./canned";

vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => undefined });
const { choices, exchangeRequest, foundAt } = await import("../src/found-pump");

const link = { state: "wrong-device", detail: "", driver: "d", verified: "hardware", url: "u", round_trip_ms: null, errors: 0 };
const free = { programme: null, node: "ward-a", boot_id: "b00t" };
const here = card({ ...free, link: { ...link, instead: "PUMP-02" } });
const other = card({ ...free, key: "PUMP-02/1", pump: "PUMP-02", bed: "2" });

describe("[FLEET-5] a pump of the house at another port", () => {
  test("is found by the name that the daemon gives it, and on its own node only", () => {
    expect(foundAt(here, [here, other])).toBe(other);
    expect(foundAt(here, [here, { ...other, node: "ward-b" }])).toBeUndefined();
    expect(foundAt(card({ ...free, link: { ...link, instead: "" } }), [here, other])).toBeUndefined();
    expect(foundAt(card(free), [here, other])).toBeUndefined();
  });

  test("stands at one bed or at the other: each button says at which", () => {
    expect(choices(here, other)).toEqual([
      ["exchange", "It stands here, at bed 1"],
      ["stay", "It stands at bed 2, only the cable changed"],
    ]);
  });

  test("takes no bed along where something is ordered, and none where there is none", () => {
    const stay = [["stay", "It stands at bed 2, only the cable changed"]];
    const { programme } = card();
    expect(choices({ ...here, programme: programme! }, other)).toEqual(stay);
    expect(choices(here, { ...other, programme: programme! })).toEqual(stay);
    expect(choices({ ...here, bed: "" }, other)).toEqual(stay);
    expect(choices(here, { ...other, bed: "1" })).toEqual([["stay", "It stands at bed 1, only the cable changed"]]);
    expect(choices({ ...here, bed: "" }, { ...other, bed: "" })).toEqual([["stay", "It is plugged in here"]]);
  });

  test("is asked for by both names, as they were on the screen, and with nothing else", () => {
    expect(exchangeRequest(here, other, "stay")).toEqual({
      path: "exchange-ports",
      body: {
        node: "ward-a", boot_id: "b00t", pump: "PUMP-01", channel: "1", to_pump: "PUMP-02", to_channel: "1", beds: "stay",
      },
    });
  });
});

describe("[FLEET-4] a laboratory pump", () => {
  test("is barred where it is real, and only there", () => {
    const words = "PUMP-01 is a laboratory pump: it is not for people. No infusion can begin on it.";
    expect(laboratoryWords(card({ provenance: "real", link: { ...link, human_use: false } }))).toBe(words);
    expect(laboratoryWords(card({ provenance: "demo", link: { ...link, human_use: false } }))).toBe("");
    expect(laboratoryWords(card({ provenance: "real", link: { ...link, human_use: true } }))).toBe("");
    expect(laboratoryWords(card({ provenance: "real", link }))).toBe("");
    expect(laboratoryWords(card({ provenance: "real" }))).toBe("");
  });
});
