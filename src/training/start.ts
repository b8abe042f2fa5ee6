import { formatShape, PushforwardError, type Shape, sameShape, suggestion } from "../base/index.ts";
import type { Weights } from "./architecture.ts";

/** An earlier training from which layers begin. */
export interface Start {
  /** Its folder, relative to the recipe's file. */
  readonly training: string;
  /** The step of the checkpoint; that of the last unless it is given. */
  readonly step?: number;
  /** Which layers begin there, with the names that they have in the earlier training: `{ "fc2": "fc1" }`. All of the same names unless given. */
  readonly layers?: Readonly<Record<string, string>>;
}

/** The earlier trainings of a recipe. */
export const startsOf = (start: Start | readonly Start[] | undefined): readonly Start[] =>
  start === undefined ? [] : "training" in start ? [start] : start;

/** The name of the layer that a weight belongs to: `fc1` of `fc1.weight`, and `visible` of the visible bias of a machine. */
const layerOf = (weight: string): string => weight.slice(0, weight.lastIndexOf("."));

/**
 * The weights with which layers begin, by their names in the network that is trained.
 *
 * @param shapes the weights of that network
 * @param earlier those of the earlier training
 * @throws PushforwardError `usage` for a layer that either of the two does not have, or if no layer has the same name;
 * `shape-mismatch` naming the first weight whose shape differs
 */
export function startingWeights(
  shapes: ReadonlyMap<string, Shape>,
  { training, layers }: Start,
  earlier: Weights,
): Weights {
  const [own, theirs] = [shapes, earlier].map((weights) => [...new Set([...weights.keys()].map(layerOf))]) as [
    string[],
    string[],
  ];
  const pairs = Object.entries(
    layers ?? Object.fromEntries(own.filter((name) => theirs.includes(name)).map((name) => [name, name])),
  );
  if (pairs.length === 0) {
    throw refusal(
      `The training ${training} has no layer with the name of one here.`,
      `Say which begin there, for example "layers": { "${own[0]}": "${theirs[0]}" }.`,
    );
  }
  for (const [name, other] of pairs) {
    requireLayer(name, own, "the network");
    requireLayer(other, theirs, `the training ${training}`);
  }
  const found = pairs.flatMap(([name, other]) =>
    [...shapes].flatMap(([weight, shape]) => {
      if (layerOf(weight) !== name) return [];
      const tensor = earlier.get(weight.replace(name, other));
      if (tensor === undefined) return [];
      if (sameShape(tensor.shape, shape)) return [[weight, tensor] as const];
      throw new PushforwardError("shape-mismatch", {
        what: `${weight} is ${formatShape(shape)}, but ${weight.replace(name, other)} of the training ${training} is ${formatShape(tensor.shape)}.`,
        where: { option: "start" },
        fix: `Name the layers that begin there with "layers", without ${name}.`,
      });
    }),
  );
  return new Map(found);
}

/**
 * Whether a weight is trained: all are, unless a recipe names layers.
 *
 * @throws PushforwardError `usage` for a layer without weights of its own
 */
export function isTrained(
  train: readonly string[] | undefined,
  weights: Iterable<string>,
): (weight: string) => boolean {
  if (train === undefined) return () => true;
  const known = [...new Set([...weights].map(layerOf))];
  for (const name of train) requireLayer(name, known, "the network", "train");
  return (weight) => train.includes(layerOf(weight));
}

function requireLayer(name: string, known: readonly string[], of: string, option = "start.layers"): void {
  if (known.includes(name)) return;
  throw refusal(`There is no layer "${name}" with weights in ${of}.`, suggestion(name, known), option);
}

const refusal = (what: string, fix: string, option = "start"): PushforwardError =>
  new PushforwardError("usage", { what, where: { option }, fix });
