import { describe, expect, it } from "vitest";
import { sparkPath } from "../src/spark";

const TOP = 28;
/** Return the heights that a line over buckets of 10 s goes through. */
const heights = (...ends: [number, number][]) => {
  const points = ends.map(([low, high], index) => ({ at: index * 10_000, low, high }));
  return [...sparkPath(points, ends.length * 10_000, 3_600_000, TOP).matchAll(/[ML]\S+ ([\d.]+)/g)].map(
    (found) => 30 - Number(found[1]),
  );
};

describe("the line of the last hour", () => {
  it("draws a stop as one fall, and a start as one rise", () => {
    expect(heights([10, 10], [0, 10], [0, 0])).toEqual([10, 10, 0, 0]);
    expect(heights([0, 0], [0, 10], [10, 10])).toEqual([0, 0, 10, 10]);
  });

  it("draws a rate that was too high and then stopped as one rise and one fall", () => {
    expect(heights([3, 3], [0, 10], [0, 0])).toEqual([3, 10, 0, 0]);
    expect(heights([0, 0], [0, 10], [3, 3])).toEqual([0, 0, 10, 3]);
  });

  it("keeps both ends of a bucket in which it stopped and ran again", () => {
    expect(heights([10, 10], [0, 10], [10, 10])).toEqual([10, 10, 0, 10]);
    expect(heights([0, 4], [2, 9])).toEqual([0, 4, 2, 9]);
  });

  it("is broken where nothing was read for half a minute", () => {
    const points = [0, 40_000].map((at) => ({ at, low: 5, high: 5 }));
    expect(sparkPath(points, 40_000, 40_000, TOP).match(/M/g)).toHaveLength(2);
  });
});
