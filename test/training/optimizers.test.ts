import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { createRng, gaussianArray } from "../../src/base/index.ts";
import { createOptimizer, type OptimizerSettings, rateOf, type ScheduleSettings } from "../../src/training/index.ts";
import { hasTorch, python, withoutTorch } from "../support/python.ts";

const STEPS = 40;
const start = gaussianArray(createRng(1, "start"), 7);
const slopes = gaussianArray(createRng(1, "slopes"), 7 * STEPS);

/** The weights after each step with gradients A·w + s that depend on the weights, A = diag(1, 2, …) / 4. */
function path(settings: OptimizerSettings, schedule: ScheduleSettings = { kind: "constant" }): number[][] {
  const weight = start.slice();
  const slope = new Float32Array(7);
  const optimizer = createOptimizer(settings, new Map([["w", weight]]));
  const rateAt = rateOf(schedule, settings.rate, STEPS);
  return Array.from({ length: STEPS }, (_, step) => {
    for (let i = 0; i < 7; i++) slope[i] = ((i + 1) / 4) * weight[i]! + slopes[7 * step + i]!;
    optimizer.step(new Map([["w", slope]]), rateAt(step), step + 1);
    return Array.from(weight);
  });
}

const TORCH = `
import json, sys, torch
given = json.load(sys.stdin)
paths = []
for case in given["cases"]:
    w = torch.tensor(given["start"], dtype=torch.float64, requires_grad=True)
    make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[case["optimizer"]]
    optimizer = make([w], **case["options"])
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, **case["step"]) if "step" in case else None
    curvature = torch.arange(1, 8, dtype=torch.float64) / 4
    path = []
    for slope in torch.tensor(given["slopes"], dtype=torch.float64).reshape(-1, 7):
        w.grad = (curvature * w + slope).detach()
        optimizer.step()
        if schedule: schedule.step()
        path.append(w.tolist())
    paths.append(path)
print(json.dumps(paths))
`;

interface Case {
  readonly settings: OptimizerSettings;
  readonly schedule?: ScheduleSettings;
  readonly torch: { readonly optimizer: string; readonly options: object; readonly step?: object };
}

const cases: Case[] = [
  { settings: { kind: "sgd", rate: 0.1 }, torch: { optimizer: "sgd", options: { lr: 0.1 } } },
  {
    settings: { kind: "sgd", rate: 0.1, decay: 0.3 },
    torch: { optimizer: "sgd", options: { lr: 0.1, weight_decay: 0.3 } },
  },
  { settings: { kind: "momentum", rate: 0.05 }, torch: { optimizer: "sgd", options: { lr: 0.05, momentum: 0.9 } } },
  {
    settings: { kind: "momentum", rate: 0.05, momentum: 0.8, nesterov: true, decay: 0.2 },
    torch: { optimizer: "sgd", options: { lr: 0.05, momentum: 0.8, nesterov: true, weight_decay: 0.2 } },
  },
  { settings: { kind: "adam", rate: 0.02 }, torch: { optimizer: "adam", options: { lr: 0.02 } } },
  {
    settings: { kind: "adam", rate: 0.02, decay: 0.4, beta1: 0.7, beta2: 0.9, epsilon: 1e-3 },
    torch: { optimizer: "adam", options: { lr: 0.02, weight_decay: 0.4, betas: [0.7, 0.9], eps: 1e-3 } },
  },
  {
    settings: { kind: "adamw", rate: 0.02, decay: 0.4 },
    torch: { optimizer: "adamw", options: { lr: 0.02, weight_decay: 0.4 } },
  },
  {
    settings: { kind: "momentum", rate: 0.1 },
    schedule: { kind: "step", every: 9, factor: 0.3 },
    torch: { optimizer: "sgd", options: { lr: 0.1, momentum: 0.9 }, step: { step_size: 9, gamma: 0.3 } },
  },
];

describe.skipIf(!hasTorch())(`optimizers go the way of those of PyTorch (${withoutTorch})`, () => {
  const input = JSON.stringify({
    start: Array.from(start),
    slopes: Array.from(slopes),
    cases: cases.map(({ torch }) => torch),
  });
  const paths = hasTorch()
    ? (JSON.parse(
        execFileSync(python, ["-c", TORCH], { input, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] }),
      ) as number[][][])
    : [];
  test.each(cases.map((one, i) => ({ ...one, i })))("$settings $schedule", ({ settings, schedule, i }) => {
    const ours = path(settings, schedule);
    for (const [step, weights] of paths[i]!.entries()) {
      // Weights of size 1 are float32 here, rounded at each step by up to 6e-8; curvatures up to 2 with rates up to 0.1 forget them.
      for (const [at, weight] of weights.entries()) expect(Math.abs(ours[step]![at]! - weight)).toBeLessThan(2e-6);
    }
  });
});

test("decay spares biases", () => {
  const weights = new Map(["w", "w.bias"].map((name) => [name, Float32Array.from([2])]));
  const gradient = new Map(["w", "w.bias"].map((name) => [name, Float32Array.from([0])]));
  createOptimizer({ kind: "adamw", rate: 0.1, decay: 0.5 }, weights).step(gradient, 0.1, 1);
  expect(weights.get("w")![0]).toBeCloseTo(1.9, 6);
  expect(weights.get("w.bias")![0]).toBe(2);
});

test("gradient descent on a bowl shrinks each coordinate by 1 − rate · curvature", () => {
  const w = Float32Array.of(1, 1);
  const optimizer = createOptimizer({ kind: "sgd", rate: 0.1 }, new Map([["w", w]]));
  for (let step = 1; step <= 20; step++) optimizer.step(new Map([["w", Float32Array.of(w[0]!, 5 * w[1]!)]]), 0.1, step);
  expect(w[0]).toBeCloseTo(0.9 ** 20, 6);
  expect(w[1]).toBeCloseTo(0.5 ** 20, 6);
});

test("heavy-ball momentum on a bowl has the roots of r² − (1 + μ − ηh)·r + μ", () => {
  // At η·h = (1 − √μ)² both roots are √μ, and w_t = (1 + t·(1 − √μ))·√μ^t from w_0 = 1 at rest.
  const [mu, root] = [0.64, 0.8];
  const w = Float32Array.of(1);
  const optimizer = createOptimizer({ kind: "momentum", rate: (1 - root) ** 2, momentum: mu }, new Map([["w", w]]));
  for (let step = 1; step <= 12; step++) {
    optimizer.step(new Map([["w", w.slice()]]), (1 - root) ** 2, step);
    expect(w[0]).toBeCloseTo((1 + step * (1 - root)) * root ** step, 5);
  }
});

describe("schedules", () => {
  const rates = (settings: ScheduleSettings, steps: number) =>
    Array.from({ length: steps }, (_, step) => rateOf(settings, 2, steps)(step));

  test("constant", () => expect(rates({ kind: "constant" }, 3)).toEqual([2, 2, 2]));

  test("cosine: rises to its peak, then falls to nearly zero as a half cosine", () => {
    const all = rates({ kind: "cosine", warmup: 10 }, 110);
    expect(all[0]).toBeCloseTo(0.2);
    expect(all[9]).toBeCloseTo(2);
    expect(all[10]).toBe(2);
    expect(all[60]).toBeCloseTo(1);
    expect(all[35]).toBeCloseTo(1 + Math.SQRT1_2);
    expect(all[109]).toBeLessThan(1e-3);
    expect(rates({ kind: "cosine" }, 4)[0]).toBe(2);
  });

  test("step: falls by its factor", () => {
    expect(rates({ kind: "step", every: 2, factor: 0.5 }, 5)).toEqual([2, 2, 1, 1, 0.5]);
  });
});
