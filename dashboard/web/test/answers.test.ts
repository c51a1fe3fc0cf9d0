import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Place } from "../src/answers";
import type { Infusion } from "../src/infusion-types";
import type { Alarm, Inactivation } from "../src/types";
import { alarm, card } from "./canned";

const { accept, acknowledge, canAccept, canPutOff, canSilence, putOff, remindNow, silence, soundAgain } = await import("../src/answers");
const { asked } = await import("../src/ask");
const { session } = await import("../src/session");
const { take } = await import("../src/store");

const place: Place = { key: "PUMP-01/1", node: "ward-a", boot_id: "b00t", pump: "PUMP-01", channel: "1" };
const paused: Inactivation = { kind: "audio-paused", by: "Ann", at: "2026-05-04T14:02:00Z", until: "2026-05-04T14:04:00Z", reason: "" };
const low = alarm({ condition: "near-end", priority: "LOW", revision: 3 });

let posts: [string, Record<string, unknown>][] = [];
let reply: () => Promise<unknown>;

function show(...alarms: Alarm[]): void {
  const { sent_ms: _, ...frame } = card({ alarms });
  take({ t: "cards", sent_ms: 0, pumps: [frame], gone: [] }, performance.now());
}

function answered(outcome: string, reason = ""): () => Promise<unknown> {
  return () => Promise.resolve({ ok: true, status: 200, json: () => Promise.resolve({ outcome, reason }) });
}

beforeEach(() => {
  vi.useFakeTimers();
  posts = [];
  reply = answered("accepted");
  vi.stubGlobal("fetch", (path: string, init: { body: string }) => {
    posts.push([path, JSON.parse(init.body) as Record<string, unknown>]);
    return reply();
  });
  session.value = { standing: "person", user: "Ann", role: "nurse", wards: [], may: [], left_s: 900, screen: "" };
});

const where = { node: "ward-a", boot_id: "b00t", pump: "PUMP-01", channel: "1" };

describe("[DASH-4] [DASH-8] what is asked of an alarm", () => {
  test("names the alarm as it stood on the screen, and who asks", async () => {
    const high = alarm({ revision: 7 });
    show(high);
    void acknowledge(place, [high]);
    void silence(place, [high]);
    void soundAgain(place, [{ ...high, inactivation: paused }]);
    void putOff(place, [low], 900, "the syringe comes");
    void remindNow(place, [{ ...low, inactivation: { ...paused, kind: "shelved" } }]);
    await vi.advanceTimersByTimeAsync(10);
    const over = { ...where, condition: "over-hard" };
    const end = { ...where, condition: "near-end" };
    expect(posts).toEqual([
      ["/api/acknowledge", { ...over, revision: 7 }],
      ["/api/pause-audio", { ...over, revision: 7, for_s: 120 }],
      ["/api/resume-audio", over],
      ["/api/shelve", { ...end, revision: 3, for_s: 900, reason: "the syringe comes" }],
      ["/api/unshelve", end],
    ]);
    await vi.advanceTimersByTimeAsync(5000);
  });

  test("is asked until the daemon's own state comes round, not until the server says yes", async () => {
    show(low);
    const asking = silence(place, [low]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked.value.get(place.key)).toEqual({ verb: "pause-audio", state: "asked" });
    show({ ...low, inactivation: paused });
    await expect(asking).resolves.toBeNull();
    expect(asked.value.has(place.key)).toBe(false);
  });

  test("is over when the alarm is gone, or was raised anew", async () => {
    for (const after of [[], [{ ...low, revision: 4 }]]) {
      show(low);
      const asking = acknowledge(place, [low]);
      await vi.advanceTimersByTimeAsync(100);
      show(...after);
      await expect(asking).resolves.toBeNull();
    }
  });

  test("a refusal is told in the daemon's words, and goes by itself", async () => {
    reply = answered("refused", "it was raised anew; look again");
    show(low);
    await expect(acknowledge(place, [low])).resolves.toEqual({ state: "refused", reason: "it was raised anew; look again" });
    expect(asked.value.get(place.key)?.state).toBe("refused");
    await vi.advanceTimersByTimeAsync(15_000);
    expect(asked.value.has(place.key)).toBe(false);
  });

  test.each([
    ["the daemon says nothing", answered("unanswered", "ward-a did not answer within 3 s")],
    ["the server breaks", () => Promise.resolve({ ok: false, status: 500 })],
    ["the server is gone", () => Promise.reject(new TypeError("fetch failed"))],
  ])("not done when %s", async (_, how) => {
    reply = how;
    show(low);
    expect((await silence(place, [low]))?.state).toBe("not-done");
    expect(asked.value.get(place.key)?.state).toBe("not-done");
    await vi.advanceTimersByTimeAsync(15_000);
  });

  test("not done of one alarm is not done of the bed", async () => {
    const replies = [answered("accepted"), answered("unanswered")];
    reply = () => replies.shift()!();
    const two = [low, alarm({ condition: "battery-low", priority: "LOW" })];
    show(...two);
    expect((await acknowledge(place, two))?.state).toBe("not-done");
    await vi.advanceTimersByTimeAsync(15_000);
  });
});

describe("[DASH-8] what may be asked", () => {
  test("nothing is put off while an alarm of HIGH priority waits, nor that alarm itself", () => {
    expect(canPutOff([alarm()])).toEqual([]);
    expect(canPutOff([alarm(), low])).toEqual([]);
    expect(canPutOff([alarm({ signal: "acknowledged" }), low])).toEqual([low]);
    expect(canPutOff([{ ...low, inactivation: { ...paused, kind: "shelved" } }])).toEqual([]);
  });

  test("a soft limit that is passed now may be accepted while an infusion goes on, acknowledged or not", () => {
    const soft = alarm({ condition: "over-soft", priority: "MEDIUM", soft: true });
    const shown = [alarm(), soft];
    const running = { state: "running" } as Infusion;
    const place5: Place = { ...place, key: "PUMP-05/1" };
    const at = (infusion: Infusion | null) => {
      const { sent_ms: _, ...frame } = card({ key: place5.key, pump: "PUMP-05", alarms: shown, infusion });
      take({ t: "cards", sent_ms: 0, pumps: [frame], gone: [] }, performance.now());
    };
    at(null);
    expect(canAccept(place5, shown)).toEqual([]);
    at(running);
    expect(canAccept(place5, shown)).toEqual([soft]);
    expect(canAccept(place5, [{ ...soft, signal: "acknowledged" }])).toHaveLength(1);
    expect(canAccept(place5, [{ ...soft, signal: "latched" }])).toEqual([]);
    at({ ...running, state: "ended" });
    expect(canAccept(place5, shown)).toEqual([]);
  });

  test("what is accepted is asked for by its revision and with the reason", async () => {
    const soft = alarm({ condition: "over-soft", priority: "MEDIUM", soft: true, revision: 7 });
    show(soft);
    const done = accept(place, soft, "severe pain");
    await vi.advanceTimersByTimeAsync(10);
    show();
    await vi.advanceTimersByTimeAsync(4000);
    expect(await done).toBe(null);
    expect(posts).toEqual([["/api/accept", expect.objectContaining({ condition: "over-soft", revision: 7, reason: "severe pain" })]]);
  });

  test("what sounds can be silenced, also HIGH; what is silent can not be silenced twice", () => {
    expect(canSilence([alarm(), low])).toHaveLength(2);
    expect(canSilence([alarm({ inactivation: paused })])).toEqual([]);
    expect(canSilence([alarm({ signal: "acknowledged" })])).toEqual([]);
    expect(canSilence([alarm({ signal: "latched" })])).toHaveLength(1);
  });
});
