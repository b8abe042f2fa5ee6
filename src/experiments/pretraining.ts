import { drawSeed, PushforwardError } from "../base/index.ts";
import { floatTensor } from "../onnx/index.ts";
import { jacobiSvd } from "../theory/index.ts";
import { type Architecture, initialWeights, type Weights } from "../training/index.ts";
import { CLASSES } from "./class-statistics.ts";
import { type CompiledDescent, compileDescent } from "./descent.ts";
import { pictureTask } from "./digit-pictures.ts";
import { type DigitTask, digitTask } from "./digit-task.ts";
import { lineThrough, meanOf } from "./estimates.ts";
import { type Apparatus, type Case, experiment, type Result } from "./experiment.ts";
import { autoEncoder, greedyLayers } from "./greedy.ts";
import { machineLayers, onComponents } from "./machines.ts";
import { number, numbers, words } from "./option.ts";
import { relativeVariance } from "./random-jacobians.ts";
import type { Precision, Prediction } from "./row.ts";

const SAXE = "Saxe, McClelland & Ganguli 2014";
/** The loss that ends a descent, as a share of that of a network whose output is zero. */
const GOAL = 0.05;
/** The learning rate is c/D, with so many values of c between these. */
const RATES = { from: 0.02, to: 1 };
/** The data's span: principal components with at least this share of the first one's variance. */
const SPAN = 0.05;

const SLOPE = "slope of ln steps by ln D";
const SPREAD = "Var σ² / mean² of the first layer, in the data's span";

/** What theory says of each start, written down before anything was measured. */
const starts = {
  orthogonal: { predicted: 0, precision: { atMost: 0.1 } },
  "auto-encoders": { predicted: 0, precision: { atMost: 0.1 } },
  "boltzmann-machines": { predicted: 0, precision: { atMost: 0.1 } },
  gaussian: { predicted: 0.3, precision: { atLeast: 0.3 } },
} as const satisfies Readonly<Record<string, { readonly predicted: number; readonly precision: Precision }>>;
type Start = keyof typeof starts;
const startNames = Object.keys(starts) as Start[];

/** `pretraining`: does pre-training, like orthogonal weights, make the time of learning independent of depth? */
export const pretraining = experiment({
  name: "pretraining",
  question:
    "Do pre-trained and orthogonal starts learn digits in a time that depth hardly changes, and is the one like the other?",
  falsifiedBy:
    "a slope of ln steps by ln D that is not below 0.1 for orthogonal and pre-trained starts or not above 0.3 for Gaussian ones, with its interval; or layers of linear auto-encoders that are not near to orthogonal in the data's span. Of Boltzmann machines it is open how near they are",
  options: {
    // Stacks of machines take too long for a quick look.
    initial: words(startNames, {
      about: "starts",
      quick: startNames.filter((start) => start !== "boltzmann-machines"),
    }),
    depth: numbers(
      { about: "weight matrices D", default: [2, 4, 8, 16, 32, 64, 99], quick: [2, 8, 32] },
      { least: 2, whole: true },
    ),
    width: number(
      { about: "principal components of the digits, and neurons of a layer", default: 128, quick: 32 },
      { least: CLASSES, whole: true },
    ),
    rates: number(
      { about: "learning rates, of which the best counts", default: 10, quick: 8 },
      { least: 2, whole: true },
    ),
    draws: number({ about: "random draws of each", default: 4, quick: 8 }, { least: 1, whole: true }),
    steps: number({ about: "longest descent", default: 3000, quick: 300 }, { least: 1, whole: true }),
    stacks: number({ about: "random draws of stacks of Boltzmann machines", default: 4 }, { least: 1, whole: true }),
    training: number(
      { about: "training steps of a Boltzmann machine", default: 3000, quick: 100 },
      { least: 1, whole: true },
    ),
  },
  cases: ({ initial, stacks, draws, ...setting }) =>
    initial.map((start) => startCase({ start, ...setting, draws: start === "boltzmann-machines" ? stacks : draws })),
  charts: (results) => [
    {
      id: "steps",
      title: "Steps to learn the digits, by depth",
      caption:
        `Gradient descent of linear networks on the digits' principal components to ${100 * GOAL} % of the loss, at the best of several learning rates. ` +
        "Points: means of ln steps over draws. Lines: the slope that is predicted, or at least predicted, through the first point.",
      x: { label: "weight matrices D", log: true },
      y: { label: "steps", log: true },
      panels: results.map(({ setting, curves }) => ({ title: String(setting.start), series: curves })),
    },
  ],
});

interface Setting {
  readonly start: Start;
  readonly depth: readonly number[];
  readonly width: number;
  readonly rates: number;
  readonly draws: number;
  readonly steps: number;
  readonly training: number;
}

function startCase(setting: Setting): Case {
  const { start, depth, width, rates, draws } = setting;
  const total = depth.reduce((sum, layers) => sum + layers, 0);
  return {
    setting: { start, width },
    seconds: draws * (total * rates * 100 * (1e-4 + width ** 3 * 8e-10) + Math.max(...depth) * secondsOfLayer(setting)),
    predict: () => ({
      ...(depth.length > 1 && { [SLOPE]: { ...starts[start], source: SAXE } }),
      [SPREAD]: spreadPredicted(start, width),
    }),
    async measure(apparatus) {
      const { task, hidden } = await prepared(setting, apparatus);
      const counts: number[][] = hidden.map(() => []);
      for (const layers of depth) {
        const net = netOf(layers, width);
        const descent = await compileDescent(apparatus.backend, net, width);
        for (const [draw, own] of hidden.entries()) {
          apparatus.proceed(`D = ${layers}, draw ${draw + 1} of ${draws}`);
          const weights = startOf(net, own, drawSeed(apparatus.seed, "pretraining", draw));
          counts[draw]!.push(await fewestSteps(descent, { task, weights, layers, ...setting }, apparatus));
        }
        await descent.release();
      }
      return {
        numbers: {
          [SLOPE]: meanOf(
            counts.map((own) => lineThrough(own.map((count, i) => [Math.log(depth[i]!), Math.log(count)])).slope),
          ),
          [SPREAD]: meanOf(hidden.map(([first]) => spreadOf(first!, width, spanOf(task)))),
        },
        curves: curvesOf(setting, counts),
      };
    },
  };
}

/** About the time to pre-train a layer. */
function secondsOfLayer({ start, width, training }: Setting): number {
  if (start === "auto-encoders") return 400 * (2e-4 + width ** 3 * 1e-9);
  return start === "boltzmann-machines" ? training * (6e-4 + width ** 2 * 1.5e-7) : 0;
}

/** Machines are only compared with orthogonal layers: what they come to is open. */
function spreadPredicted(start: Start, width: number): Prediction {
  const orthogonal = { predicted: 0, source: `orthogonal in the data's span, ${SAXE}` };
  if (start === "boltzmann-machines") return orthogonal;
  if (start !== "gaussian") return { ...orthogonal, precision: { absolute: 0.02 } };
  return {
    predicted: spanOf(digitTask(width)) / width,
    precision: { relative: 0.25 },
    source: "Marchenko & Pastur 1967",
  };
}

/** The number of principal components in the data's span. */
const spanOf = ({ variances }: DigitTask): number => variances.filter((variance) => variance >= SPAN).length;

/** D square layers but the last, which has one output for each class. */
const netOf = (layers: number, width: number): Architecture => ({
  input: [width],
  layers: Array.from({ length: layers }, (_, i) => ({
    kind: "dense",
    units: i < layers - 1 ? width : CLASSES,
    bias: false,
  })),
});

/** A task, and [draws][layers], the square layers of the deepest network; shallower ones begin with the first of them. */
interface Prepared {
  readonly task: DigitTask;
  readonly hidden: readonly (readonly Float32Array[])[];
}

async function prepared(setting: Setting, { backend, seed, proceed }: Apparatus): Promise<Prepared> {
  const { start, depth, width, draws, training } = setting;
  const layers = Math.max(...depth) - 1;
  const seeds = Array.from({ length: draws }, (_, draw) => drawSeed(seed, "hidden", draw));
  const hidden: Float32Array[][] = [];
  const onLayer = (layer: number) =>
    proceed(`${start}: layer ${layer + 1} of ${layers}, draw ${hidden.length + 1} of ${draws}`);
  if (start === "boltzmann-machines") {
    const task = pictureTask(width);
    for (const own of seeds) {
      const stack = await machineLayers(backend, { layers, width, training, seed: own, onLayer });
      hidden.push(onComponents(stack, task));
    }
    return { task, hidden };
  }
  const task = digitTask(width);
  if (start === "auto-encoders") {
    const descent = await compileDescent(backend, autoEncoder(width), width);
    for (const own of seeds)
      hidden.push(await greedyLayers(descent, task.inputs, { layers, width, seed: own, onLayer }));
    await descent.release();
    return { task, hidden };
  }
  const net = netOf(layers + 1, width);
  for (const own of seeds) {
    const drawn = [...initialWeights(net, { kind: start }, own).values()];
    hidden.push(drawn.slice(0, layers).map(({ data }) => data as Float32Array));
  }
  return { task, hidden };
}

/** The last layer is orthogonal in all starts but the Gaussian one: it has nothing to be pre-trained for. */
function startOf(net: Architecture, hidden: readonly Float32Array[], seed: number): Weights {
  const drawn = initialWeights(net, { kind: "orthogonal" }, seed);
  return new Map(
    [...drawn].map(([name, tensor], i) => [name, i < drawn.size - 1 ? floatTensor(tensor.shape, hidden[i]!) : tensor]),
  );
}

interface Learner extends Setting {
  readonly task: DigitTask;
  readonly weights: Weights;
  readonly layers: number;
}

/** The steps to the goal at the best rate; the longest descent that is allowed, if no rate leads there. */
async function fewestSteps(
  descent: CompiledDescent,
  { task, weights, layers, width, rates, steps }: Learner,
  { proceed }: Apparatus,
): Promise<number> {
  const inputs = floatTensor([width, width], task.inputs);
  const targets = floatTensor([width, CLASSES], task.targets);
  const goal = (GOAL * task.targets.reduce((sum, entry) => sum + entry * entry, 0)) / 2;
  let fewest = steps;
  for (let i = 0; i < rates; i++) {
    const rate = (RATES.from * (RATES.to / RATES.from) ** (i / (rates - 1))) / layers;
    const run = { inputs, targets, start: weights, rate };
    let before = Number.POSITIVE_INFINITY;
    const reached = descent.run(run, ({ step, loss }) => {
      if (step % 20 === 0) proceed(`D = ${layers}, rate ${i + 1} of ${rates}, step ${step}`);
      // Between two steps the loss is interpolated.
      if (loss <= goal)
        fewest = Math.min(fewest, step - (before === Number.POSITIVE_INFINITY ? 0 : (goal - loss) / (before - loss)));
      before = loss;
      return loss > goal && step < fewest;
    });
    await reached.catch((cause: unknown) => {
      if (!(cause instanceof PushforwardError && cause.code === "not-finite")) throw cause; // the rate is too large
    });
  }
  return fewest;
}

/** Of W [width, width] on the first principal components, which are its first inputs. */
function spreadOf(weight: Float32Array, width: number, span: number): number {
  const part = Array.from({ length: width }, (_, row) =>
    Array.from(weight.subarray(row * width, row * width + span)),
  ).flat();
  return relativeVariance(Array.from(jacobiSvd(part, width, span).sigma, (one) => one ** 2));
}

function curvesOf({ start, depth }: Setting, counts: readonly (readonly number[])[]): Result["curves"] {
  const points = depth.map((x, i) => {
    const logarithms = meanOf(counts.map((own) => Math.log(own[i]!)));
    return { x, y: Math.exp(logarithms.measured), low: Math.exp(logarithms.low), high: Math.exp(logarithms.high) };
  });
  const first = points[0]!;
  const line = depth.map((x) => ({ x, y: first.y * (x / first.x) ** starts[start].predicted }));
  return [
    { name: "predicted", mark: "line", points: line },
    { name: "measured", mark: "dots", points },
  ];
}
