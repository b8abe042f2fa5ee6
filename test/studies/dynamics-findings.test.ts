import { expect, test } from "vitest";
import { createRng } from "../../src/base/index.ts";
import { withControls } from "../../src/studies/control-findings.ts";
import { concludeDynamics } from "../../src/studies/dynamics-findings.ts";
import { compareTraining } from "../../src/studies/dynamics-parting.ts";
import type { Estimate } from "../../src/studies/statistics.ts";
import type { FindingTable, StudyData } from "../../src/studies/study.ts";

const steps = [0, 1, 2, 4, 8, 16, 32, 64];
const logs = [-1, 0, 1, 2, 3, 4, 5, 6];

interface Planted {
  readonly trainings: number;
  readonly images: number;
  /** ln of the effective rank at a place of the logarithm of steps. */
  readonly rank: (place: number, training: number, image: number) => number;
  readonly accuracy?: (place: number, training: number, image: number) => number;
  readonly memorised?: (place: number, training: number) => number;
}

/** What a study would have stored whose effective rank, accuracy and memorisation follow these curves. */
function stored({ trainings, images, rank, accuracy, memorised }: Planted): StudyData {
  const names = (count: number) => Array.from({ length: count }, (_, i) => String(i));
  const axes = { training: names(trainings), step: steps, tap: ["relu", "logits"], image: names(images), k: [1, 2] };
  const filled = (dims: readonly string[], of: (at: Record<string, number>) => number) => {
    const all = ["training", "step", ...dims];
    const shape = all.map((name) => axes[name as keyof typeof axes].length);
    const data = new Float64Array(shape.reduce((product, extent) => product * extent, 1));
    data.forEach((_, index) => {
      let rest = index;
      const at: Record<string, number> = {};
      for (const [i, name] of [...all.entries()].reverse()) {
        at[name] = rest % shape[i]!;
        rest = Math.floor(rest / shape[i]!);
      }
      data[index] = of(at);
    });
    return { dims: all, shape, data };
  };
  const unknown = () => Number.NaN;
  return {
    axes,
    inputs: [],
    seed: 0,
    values: {
      sigma: filled(["tap", "image", "k"], ({ k }) => 10 ** -k!),
      floor: filled(["tap", "image"], () => 1e-6),
      effective_rank: filled(["tap", "image"], ({ step, training, image }) =>
        Math.exp(rank(logs[step!]!, training!, image!)),
      ),
      right: filled(
        ["image"],
        accuracy ? ({ step, training, image }) => accuracy(logs[step!]!, training!, image!) : unknown,
      ),
      held_out_accuracy: filled([], unknown),
      held_out_loss: filled([], unknown),
      memorised: filled([], memorised ? ({ step, training }) => memorised(logs[step!]!, training!) : unknown),
    },
  };
}

/** Rises from 0 to 1 over two units around a place. */
const ramp = (place: number, middle: number) => Math.min(1, Math.max(0, (place - middle + 1) / 2));

const tableOf = (tables: readonly FindingTable[], id: string) => tables.find((table) => table.id === id)!;

test("onsets and lags are those that were planted, over trainings if there are several", () => {
  const offsets = [0.3, -0.2, 0.1, 0.25, -0.3, 0.05];
  const data = stored({
    trainings: 6,
    images: 3,
    rank: (place, t, image) => 3 + 0.1 * image - ramp(place, 2 + offsets[t]!),
    accuracy: (place, t) => 0.1 + 0.9 * ramp(place, 1 + offsets[t]!),
    memorised: (place, t) => ramp(place, 4 + offsets[t]! + 0.1 * offsets[5 - t]!),
  });
  const { tables, verdicts } = concludeDynamics(data);
  const [tap, change, onset, behindAccuracy, behindMemory] = tableOf(tables, "onset").rows[1]!;
  expect(tap).toBe("logits");
  expect((change as Estimate).value).toBeCloseTo(-1, 12);
  // The kinks of a ramp between checkpoints are cut by the interpolation: by less than 0.07 for these offsets.
  const mean = offsets.reduce((sum, one) => sum + one, 0) / 6;
  expect(Math.abs((onset as Estimate).value - 2 - mean)).toBeLessThan(0.07);
  expect((onset as Estimate).n).toBe(6);
  expect((behindAccuracy as Estimate).value).toBeCloseTo(1, 6);
  expect((behindAccuracy as Estimate).low).toBeGreaterThan(0.9);
  expect(Math.abs((behindMemory as Estimate).value + 2)).toBeLessThan(0.1);
  const found = Object.fromEntries(verdicts.map(({ id, verdict }) => [id, verdict]));
  expect(found).toEqual({ steeper: "supported", "after-accuracy": "supported", "before-memorisation": "supported" });
  expect(verdicts[2]!.because).toMatch(/n = 6 trainings/);
});

test("there is no lag behind an accuracy whose change cannot be told from 0", () => {
  const rng = createRng("no accuracy");
  const data = stored({
    trainings: 6,
    images: 3,
    rank: (place, t, image) => 3 + 0.1 * image - ramp(place, 2 + 0.05 * t),
    accuracy: () => 0.1 + 0.01 * rng.gaussian(),
    memorised: (place, t) => ramp(place, 4 + 0.05 * t),
  });
  const { tables, verdicts } = concludeDynamics(data);
  const [, , , behindAccuracy, behindMemory] = tableOf(tables, "onset").rows[1]!;
  expect((behindAccuracy as Estimate).value).toBeNaN();
  expect((behindMemory as Estimate).value).toBeCloseTo(-2, 1);
  const [, afterAccuracy, beforeMemory] = verdicts;
  expect(afterAccuracy).toMatchObject({
    verdict: "undecided",
    because: expect.stringContaining("cannot be told from 0"),
  });
  expect(beforeMemory).toMatchObject({ verdict: "supported" });
});

test("intervals of shares stay between 0 and 1 in tables, charts and the map, and so do those of controls", () => {
  const rng = createRng("shares");
  const planted = () =>
    concludeDynamics(
      stored({
        trainings: 5,
        images: 4,
        rank: (place) => 2 - ramp(place, 3),
        accuracy: (place, t, image) => Number(rng.uniform() < 0.05 + 0.9 * ramp(place, 2) || (t + image) % 7 === 0),
        memorised: (place) => Math.min(1, Math.max(0, ramp(place, 4) + 0.2 * (rng.uniform() - 0.5))),
      }),
    );
  const draws = Array.from({ length: 6 }, planted);
  const { tables, charts, maps } = withControls(planted(), [{ kind: "permuted", draws }]);
  const progress = charts.find(({ id }) => id === "progress")!;
  const points = [...progress.panels.flatMap(({ series }) => series), ...maps![0]!.curves].flatMap(
    ({ points }) => points,
  );
  const bands = points.filter(({ low }) => Number.isFinite(low));
  expect(bands.length).toBeGreaterThan(40);
  for (const { y, low, high } of bands) {
    expect(low).toBeGreaterThanOrEqual(0);
    expect(high).toBeLessThanOrEqual(1);
    expect(low! <= y && y <= high!).toBe(true);
  }
  expect(bands.some(({ low, high }) => high! > low!)).toBe(true);
  const { columns, rows } = tableOf(tables, "progress");
  for (const row of rows) {
    for (const [c, cell] of row.entries()) {
      if (typeof cell !== "object" || columns[c]!.includes("−") || !Number.isFinite(cell.low)) continue;
      expect(cell.low >= 0 && cell.high <= 1).toBe(true);
    }
  }
  expect(progress.caption).toContain("arcsin √p");
});

test("of one training, intervals are over images, and what is not known is said", () => {
  const rng = createRng("images");
  const shifts = Array.from({ length: 8 }, () => 0.2 * rng.gaussian());
  const data = stored({ trainings: 1, images: 8, rank: (place, _, i) => 2 + shifts[i]! - ramp(place, 3) });
  const { tables, verdicts } = concludeDynamics(data);
  const onset = tableOf(tables, "onset").rows[0]![2] as Estimate;
  expect([onset.n, onset.value]).toEqual([8, expect.closeTo(3, 12)]);
  expect(verdicts.map(({ id, verdict }) => [id, verdict])).toEqual([
    ["steeper", "supported"],
    ["after-accuracy", "undecided"],
  ]);
  expect(verdicts[1]!.because).toMatch(/The accuracy is not known/);
});

test("the step at which training parts from the controls is the one from which the difference stays", () => {
  const rng = createRng("draws");
  const noise = () => 0.02 * rng.gaussian();
  const planted = (rank: Planted["rank"]) => concludeDynamics(stored({ trainings: 7, images: 2, rank }));
  // Apart at step 1 for once, equal at step 2, and apart for good from step 8 on.
  const own = [0, -1, 0, 0, -1, -1, -1, -1];
  const trained = planted((place) => 2 + own[place + 1]! + noise());
  const draws = Array.from({ length: 6 }, () => planted(() => 2 + noise()));
  const compared = withControls(trained, [{ kind: "permuted", draws }]);
  const [parting] = compareTraining(compared, ["permuted"]);
  expect(parting!.rows.map((row) => row.slice(0, 4))).toEqual([
    ["relu", "ln effective rank", "permuted", "8"],
    ["logits", "ln effective rank", "permuted", "8"],
  ]);
  const [there, end] = parting!.rows[0]!.slice(4) as Estimate[];
  expect(there!.value).toBeCloseTo(-1, 1);
  expect([end!.n, end!.draws]).toEqual([7, 6]);
  expect(compared.verdicts[0]!.controls[0]!.difference).toBe("training adds");
  expect(tableOf(compared.tables, "by-step").caption).toMatch(/jackknife over trainings/);
  expect(compared.maps![0]!.panels.map(({ title }) => title)).toEqual([
    "relu, trained",
    "relu, permuted",
    "logits, trained",
    "logits, permuted",
  ]);

  const same = withControls(
    planted(() => 2 + noise()),
    [{ kind: "permuted", draws }],
  );
  expect(compareTraining(same, ["permuted"])[0]!.rows[0]!.slice(3, 5)).toEqual(["not shown", ""]);
  const few = withControls(trained, [{ kind: "permuted", draws: draws.slice(0, 5) }]);
  expect(compareTraining(few, ["permuted"])[0]!.rows[0]!.slice(3, 5)).toEqual(["undecided", ""]);
  expect(compareTraining(trained, [])).toEqual([]);
});
