import { expect, test } from "vitest";
import { Transit } from "../src/age";

test("[DASH-2] clocks may differ, but a frame that was held up is that much older", () => {
  const transit = new Transit();
  for (let second = 0; second < 60; second += 1) transit.observe(second * 1000, second * 1000 + 777_005);
  expect(transit.age(100, 59_000, 59_000 + 777_005)).toBe(100);
  transit.observe(60_000, 105_000 + 777_005);
  expect(transit.age(100, 60_000, 105_000 + 777_005)).toBe(45_100);
});

test("[DASH-2] age grows while nothing comes", () => {
  const transit = new Transit();
  transit.observe(1000, 5000);
  expect(transit.age(200, 1000, 12_000)).toBe(7200);
  expect(transit.age(null, 1000, 12_000)).toBeNull();
});

test("before the first frame there is no age", () => {
  expect(new Transit().age(1, 1, 1)).toBeNull();
});

test("a clock that drifts for a day does not add up", () => {
  const transit = new Transit();
  let worst = 0;
  for (let sent = 0; sent < 86_400_000; sent += 5000) worst = Math.max(worst, transit.observe(sent, sent + sent / 20_000));
  expect(worst).toBeLessThanOrEqual(40);
});
