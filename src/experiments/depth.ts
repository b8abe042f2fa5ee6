import { drawSeed } from "../base/index.ts";
import { modeCurve, modeTime } from "../theory/index.ts";
import { initialWeights } from "../training/index.ts";
import { Arrivals, descend, identity, linearNet, requireStable, strengthsIn } from "./descent.ts";
import { single } from "./estimates.ts";
import { type Apparatus, type Case, experiment, type Result } from "./experiment.ts";
import { number, numbers } from "./option.ts";

/** The share of the final strength that ends the count of steps, and by how much the count may differ. */
const END = 0.95;
const PRECISION = 0.02;

/** `depth`: how much longer do deeper linear networks learn? */
export const depth = experiment({
  name: "depth",
  question: "How many steps, times the rate c, does a deep linear network need to 0.95·s, and does depth matter?",
  falsifiedBy: `a count of steps that is off by more than 2 % at c ≤ 0.05`,
  options: {
    depth: numbers({ about: "weight matrices D", default: [2, 4, 8, 16, 32, 99] }, { least: 2, whole: true }),
    start: numbers({ about: "strength u₀ of the modes at the start", default: [0.001, 0.5] }, { least: 1e-6 }),
    width: number({ about: "neurons of a layer", default: 4 }, { least: 1, whole: true }),
    rate: number({ about: "c, for a learning rate of c/(D·s^(2−2/D))", default: 0.05 }, { least: 1e-3 }),
    steps: number(
      {
        about: "longest descent with the engine's gradients; beyond, the recursion is iterated",
        default: 30_000,
        quick: 12_000,
      },
      { least: 1, whole: true },
    ),
  },
  cases: ({ depth: depths, start: starts, ...setting }) => {
    requireStable(setting.rate);
    return starts.flatMap((start) => depths.map((layers) => depthCase({ depth: layers, start, ...setting })));
  },
  charts: (results) => [
    {
      id: "steps",
      title: "Steps to 0.95·s by depth",
      caption:
        "Lines: the closed form for small rates. Points: gradient descent, by the engine or by the exact recursion. For strengths u₀ of " +
        "order 1 depth hardly matters; for small ones it does.",
      x: { label: "weight matrices D", log: true },
      y: { label: "steps · c", log: true },
      panels: [
        {
          title: "",
          series: [...new Set(results.map(({ setting }) => Number(setting.start)))].flatMap((start) =>
            curvesOf(start, results),
          ),
        },
      ],
    },
  ],
});

function curvesOf(start: number, results: readonly Result[]) {
  const own = results.filter(({ setting }) => setting.start === start);
  const deepest = Math.max(...own.map(({ setting }) => Number(setting.depth)));
  const line = Array.from({ length: 50 }, (_, i) => {
    const x = 2 * (deepest / 2) ** (i / 49);
    return { x, y: modeTime({ depth: x, strength: 1, start }, END) };
  });
  const dots = own.map(({ setting, rows }) => ({ x: Number(setting.depth), y: rows[0]!.measured }));
  return [
    { name: `predicted, u₀ = ${start}`, mark: "line" as const, points: line },
    { name: `measured, u₀ = ${start}`, mark: "dots" as const, points: dots },
  ];
}

interface DepthCase {
  readonly depth: number;
  readonly start: number;
  readonly width: number;
  readonly rate: number;
  readonly steps: number;
}

function depthCase(one: DepthCase): Case {
  const { depth: layers, start, rate, steps } = one;
  const predicted = modeTime({ depth: layers, strength: 1, start }, END);
  const byEngine = (1.2 * predicted) / rate <= steps;
  return {
    setting: { depth: layers, start, by: byEngine ? "engine" : "recursion" },
    seconds: byEngine ? (predicted / rate) * (0.0015 + 4e-5 * layers) : 0.1,
    predict: () => ({
      "steps · c": {
        predicted,
        precision: { relative: PRECISION },
        source: "Saxe, McClelland & Ganguli 2014, equations 9 to 13",
      },
    }),
    measure: async (apparatus) => ({
      numbers: {
        "steps · c": single(rate * (byEngine ? await arrivalByEngine(one, apparatus) : arrivalByRecursion(one))),
      },
    }),
  };
}

/** The mean step in which the modes of a whitened task of equal strengths arrive. */
async function arrivalByEngine(
  { depth: layers, width, start, rate }: DepthCase,
  { backend, seed, proceed }: Apparatus,
) {
  const net = linearNet(layers, width);
  const unit = identity(width);
  const strengths = new Array<number>(width).fill(1);
  const shape = [width, width];
  const bases = { first: { shape, data: unit }, last: { shape, data: unit } };
  const weights = initialWeights(net, { kind: "decoupled", start, ...bases }, drawSeed(seed, "depth", layers));
  const waiting = new Arrivals(strengths.map((strength) => END * strength));
  const task = { width, strengths, left: unit, right: unit };
  await descend(backend, { net, width, task: unit, start: weights, rate: rate / layers }, (product, step) => {
    if (step % 100 === 0) proceed(`step ${step}`);
    return waiting.note(strengthsIn(product, task), step);
  });
  return waiting.steps.reduce((sum, step) => sum + step, 0) / width;
}

/** The same by the exact recursion of one mode. */
function arrivalByRecursion({ depth: layers, start, rate }: DepthCase): number {
  const most = Math.ceil((2 * modeTime({ depth: layers, strength: 1, start }, END)) / rate) + 10;
  const waiting = new Arrivals([END]);
  const curve = modeCurve({ depth: layers, strength: 1, start }, rate / layers, most);
  for (let step = 0; step <= most; step++) if (!waiting.note(curve.subarray(step, step + 1), step)) break;
  return waiting.steps[0]!;
}
