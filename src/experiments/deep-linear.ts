import { drawSeed } from "../base/index.ts";
import type { ChartSeries } from "../results/index.ts";
import { endToEndCurve, modeCurve, modeTime } from "../theory/index.ts";
import { initialWeights, type Weights } from "../training/index.ts";
import { Arrivals, descend, linearNet, matrixOf, requireStable, strengthsIn, type Task } from "./descent.ts";
import { single } from "./estimates.ts";
import { type Apparatus, type Case, experiment } from "./experiment.ts";
import { number, numbers } from "./option.ts";

const SAXE = "Saxe, McClelland & Ganguli 2014";
/** The largest error of a strength, as a share of the strength that the task asks for. */
const RECURSION = 1e-4;
/** By how much the time to half of the strength may differ, and the rate c at which it is measured: η·s ≤ 0.02 at every depth. */
const HALF_TIME = { precision: 0.01, rate: 0.04 };
/** The largest error of the product from a start that is not decoupled, the rate c, and the width, for which the equation is integrated. */
const END_TO_END = { precision: 0.01, rate: 0.01, width: 12, start: 0.1 };

/** `deep-linear`: does the engine's gradient descent follow the exact curves of learning? */
export const deepLinear = experiment({
  name: "deep-linear",
  question: "Do the modes of a deep linear network grow along the closed forms, at every step?",
  falsifiedBy: `a strength that is off by more than ${RECURSION}·s at some step, or a time to half of it that is off by more than 1 % at η·s ≤ 0.02`,
  options: {
    depth: numbers({ about: "weight matrices D", default: [2, 4, 8, 32, 99] }, { least: 2, whole: true }),
    width: number({ about: "neurons of a layer", default: 64, quick: 32 }, { least: 2, whole: true }),
    start: number({ about: "strength u₀ of the modes at the start", default: 0.05, quick: 0.1 }, { least: 1e-6 }),
    rate: number({ about: "c, for a learning rate of c/(D·s^(2−2/D))", default: 0.5 }, { least: 1e-3 }),
  },
  cases: ({ depth, width, start, rate }) => {
    requireStable(rate);
    return [
      ...depth.map((layers) => decoupledCase({ depth: layers, width, start, rate })),
      ...depth.filter((layers) => layers <= 8).map((layers) => orthogonalCase(layers)),
      randomCase({ depth: 2, width, start: start / 10, rate }),
    ];
  },
  charts: (results) => [
    {
      id: "modes",
      title: "The strength of the modes during learning",
      caption:
        "Lines: the closed form, or the integrated equation where the start is not decoupled. Points: gradient descent with the engine's " +
        "gradients. The strongest and the weakest mode of a task are shown.",
      x: { label: "steps · c" },
      y: { label: "strength" },
      panels: results
        .filter(({ curves }) => curves.length > 0)
        .map(({ setting, curves }) => ({ title: `D = ${setting.depth}, ${setting.start}`, series: curves })),
    },
  ],
});

interface Learning {
  readonly depth: number;
  readonly width: number;
  readonly start: number;
  /** c: the rate η is c/D, as the largest s is 1. */
  readonly rate: number;
}

/** Strengths from 1 down to ½, and random singular vectors. */
function randomTask(width: number, seed: number): Task {
  const basis = (side: string) => {
    const weights = initialWeights(linearNet(1, width), { kind: "orthogonal" }, drawSeed(seed, "task", side));
    return [...weights.values()][0]!.data as Float32Array;
  };
  const strengths = Array.from({ length: width }, (_, mode) => 1 - (0.5 * mode) / Math.max(1, width - 1));
  return { width, strengths, left: basis("left"), right: basis("right") };
}

/** Roughly how many seconds so many steps take. */
const secondsFor = (steps: number, { depth, width }: Pick<Learning, "depth" | "width">): number =>
  steps * (0.002 + depth * (3e-5 + 8e-10 * width ** 3));

function decoupledCase(learning: Learning): Case {
  const { depth, width, start, rate } = learning;
  const slowest = modeTime({ depth, strength: 0.5, start }, 0.25);
  return {
    setting: { depth, start: `decoupled, u₀ = ${start}` },
    seconds: secondsFor((3 * slowest) / rate + slowest / HALF_TIME.rate, learning),
    predict: () => ({
      "largest error of u / s at any step": {
        predicted: 0,
        precision: { absolute: RECURSION },
        source: `recursion, ${SAXE}`,
      },
      "largest error of the time to s/2": {
        predicted: 0,
        precision: { absolute: HALF_TIME.precision },
        source: `equation 9, ${SAXE}`,
      },
    }),
    async measure(apparatus) {
      const task = randomTask(width, apparatus.seed);
      const start = decoupled(learning, task, apparatus.seed);
      const { error, curves } = await againstRecursion(learning, { task, start }, apparatus);
      const delay = await againstEquation(learning, { task, start }, apparatus);
      return {
        numbers: {
          "largest error of u / s at any step": single(error),
          "largest error of the time to s/2": single(delay),
        },
        curves,
      };
    },
  };
}

function decoupled({ depth, width, start }: Learning, { left, right }: Task, seed: number): Weights {
  const shape = [width, width];
  const bases = { first: { shape, data: right }, last: { shape, data: left } };
  return initialWeights(
    linearNet(depth, width),
    { kind: "decoupled", start, ...bases },
    drawSeed(seed, "decoupled", depth),
  );
}

interface Begun {
  readonly task: Task;
  readonly start: Weights;
}

/** The largest error of a mode at any step, until the weakest has nearly arrived. */
async function againstRecursion(learning: Learning, { task, start }: Begun, { backend, proceed }: Apparatus) {
  const { depth, width, rate } = learning;
  const weakest = task.strengths.at(-1)!;
  const steps = Math.ceil(modeTime({ depth, strength: weakest, start: learning.start }, 0.97 * weakest) / rate) + 1;
  const predicted = task.strengths.map((strength) =>
    modeCurve({ depth, strength, start: learning.start }, rate / depth, steps),
  );
  const shown = [0, width - 1];
  const measured: { readonly x: number; readonly y: number }[][] = shown.map(() => []);
  let error = 0;
  const net = linearNet(depth, width);
  await descend(backend, { net, width, task: matrixOf(task), start, rate: rate / depth }, (product, step) => {
    if (step % 50 === 0) proceed(`step ${step} of ${steps}`);
    const strengths = strengthsIn(product, task);
    for (const [mode, strength] of strengths.entries()) {
      error = Math.max(error, Math.abs(strength - predicted[mode]![step]!) / task.strengths[mode]!);
    }
    if (step % Math.ceil(steps / 20) === 0) {
      for (const [i, mode] of shown.entries()) measured[i]!.push({ x: step * rate, y: strengths[mode]! });
    }
    return step < steps;
  });
  const every = Math.ceil(steps / 100);
  const line = ([...shown] as const).map((mode): ChartSeries => {
    const all = Array.from(predicted[mode]!, (y, step) => ({ x: step * rate, y }));
    return {
      name: `predicted, s = ${task.strengths[mode]}`,
      mark: "line",
      points: all.filter((_, i) => i % every === 0),
    };
  });
  const dots = measured.map((points, i): ChartSeries => {
    return { name: `measured, s = ${task.strengths[shown[i]!]}`, mark: "dots", points };
  });
  return { error, curves: [...line, ...dots] };
}

/** The largest relative error of the equation's time to half of a mode's strength, at a small rate. */
async function againstEquation(
  learning: Learning,
  { task, start }: Begun,
  { backend, proceed }: Apparatus,
): Promise<number> {
  const { depth, width } = learning;
  const { rate } = HALF_TIME;
  const arrivals = new Arrivals(task.strengths.map((strength) => strength / 2));
  const net = linearNet(depth, width);
  await descend(backend, { net, width, task: matrixOf(task), start, rate: rate / depth }, (product, step) => {
    if (step % 50 === 0) proceed(`step ${step} at a small rate`);
    return arrivals.note(strengthsIn(product, task), step);
  });
  const errors = task.strengths.map((strength, mode) => {
    const expected = modeTime({ depth, strength, start: learning.start }, strength / 2) / rate;
    return Math.abs(arrivals.steps[mode]! / expected - 1);
  });
  return Math.max(...errors);
}

/** Scaled orthogonal matrices are balanced but mix the modes: the equation of the whole product is integrated. */
function orthogonalCase(depth: number): Case {
  const { precision, rate, width, start } = END_TO_END;
  const units = 0.25; // τ between two points of the reference
  const points = Math.ceil((2.5 * modeTime({ depth, strength: 0.5, start }, 0.45)) / depth / units);
  const every = Math.round((units * depth) / rate);
  const quantity = "largest error of the product's entries / s at any time";
  return {
    setting: { depth, start: `orthogonal, u₀ = ${start}` },
    seconds: secondsFor(points * every, { depth, width }),
    predict: () => ({
      [quantity]: { predicted: 0, precision: { absolute: precision }, source: "Arora, Cohen & Hazan 2018, integrated" },
    }),
    async measure({ backend, seed, proceed }) {
      const task = randomTask(width, seed);
      const net = linearNet(depth, width);
      const weights = initialWeights(
        net,
        { kind: "orthogonal", gain: start ** (1 / depth) },
        drawSeed(seed, "orthogonal", depth),
      );
      const wanted = matrixOf(task);
      let reference: Float64Array[] = [];
      let error = 0;
      await descend(backend, { net, width, task: wanted, start: weights, rate: rate / depth }, (product, step) => {
        if (step === 0) {
          const fine = 5;
          const all = endToEndCurve({ depth, width, task: wanted, start: product }, units / fine, points * fine);
          reference = all.filter((_, i) => i % fine === 0);
        }
        if (step % 50 === 0) proceed(`step ${step} of ${points * every}`);
        if (step % every !== 0) return true;
        for (const [i, entry] of reference[step / every]!.entries())
          error = Math.max(error, Math.abs(entry - product[i]!));
        return step < points * every;
      });
      return { numbers: { [quantity]: single(error) } };
    },
  };
}

/** A small Gaussian start is neither balanced nor decoupled: how much later its modes arrive is reported. */
function randomCase(learning: Learning): Case {
  const { depth, width, start, rate } = learning;
  const quantity = "time to s/2 of the strongest mode, as a multiple of the decoupled start's";
  return {
    setting: { depth, start: `Gaussian, u₀ = ${start}` },
    seconds: secondsFor((2 * modeTime({ depth, strength: 1, start }, 0.5)) / rate, learning),
    predict: () => ({ [quantity]: { predicted: 1, source: `equation 9, ${SAXE}; the delay is only reported` } }),
    async measure({ backend, seed, proceed }) {
      const task = randomTask(width, seed);
      const net = linearNet(depth, width);
      const weightVariance = start ** (2 / depth);
      const weights = initialWeights(net, { kind: "gaussian", weightVariance }, drawSeed(seed, "gaussian", depth));
      const arrivals = new Arrivals([task.strengths[0]! / 2]);
      await descend(
        backend,
        { net, width, task: matrixOf(task), start: weights, rate: rate / depth },
        (product, step) => {
          if (step % 50 === 0) proceed(`step ${step}`);
          return arrivals.note(strengthsIn(product, task).subarray(0, 1), step);
        },
      );
      const expected = modeTime({ depth, strength: 1, start }, 0.5) / rate;
      return { numbers: { [quantity]: single(arrivals.steps[0]! / expected) } };
    },
  };
}
