import { expect, test } from "vitest";
import { range } from "../src/chart";
import { positions } from "../src/limit-bar";
import { sparkPath } from "../src/spark";
import type { Limits } from "../src/types";

const limits: Limits = {
  unit: "mg/kg/h", soft_min: "0.1", soft_max: "0.5", hard_min: "0.05", hard_max: "1",
  hard_max_flow_ml_h: "35", soft_max_flow_ml_h: "17.5", soft_min_flow_ml_h: "3.5", ceiling_ml_h: null,
};

test("the hard limit stands at 80 % of the bar, the dose where it is between", () => {
  expect(positions(limits, "0.5")).toMatchObject({ hardMax: 80, softMin: 8, softMax: 40, dose: 40, beyond: false });
  expect(positions(limits, "1")?.dose).toBe(80);
});

test("a dose far beyond stays in sight at the end of the bar", () => {
  expect(positions(limits, "40")).toMatchObject({ dose: 100, beyond: true });
});

test("no dose has no place, and no maximum no bar", () => {
  expect(positions(limits, null)?.dose).toBeNull();
  expect(positions({ ...limits, hard_max: null, soft_max: null }, "1")).toBeNull();
});

test("a chart begins at 0 and shows the limit when it is near", () => {
  const row = { series: "flow_ml_h", title: "", usual: ["3.5", "17.5"] as [string, string], hard: "35" };
  expect(range(row, 10.5)[0]).toBe(0);
  expect(range(row, 20)[1]).toBeGreaterThan(35);
  expect(range({ ...row, hard: "500" }, 20)[1]).toBeLessThan(30);
});

test("[DASH-5] a spark breaks where nothing was read and keeps a one-reading spike", () => {
  const point = (at: number, high = 10) => ({ at, low: 10, high });
  const path = sparkPath([point(0), point(25_000, 90), point(50_000), point(600_000)], 3_600_000, 3_600_000, 100);
  expect(path.match(/M/g)).toHaveLength(2);
  expect(path).toContain("L0.69 4.80");
});
