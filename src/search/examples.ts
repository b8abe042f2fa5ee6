import { createRng, PushforwardError } from "../base/index.ts";
import {
  countOf,
  type DataSet,
  lossName,
  type Recipe,
  type Split,
  shuffled,
  splitStratified,
  subset,
} from "../training/index.ts";

/** The examples of a search. What is held out is halved: candidates are chosen by one half, and reported on the other. */
export interface SearchExamples {
  readonly training: DataSet;
  readonly validation: DataSet;
  readonly test: DataSet;
  /** What candidates are measured at before they are trained: examples of the training set in a random order. */
  readonly order: readonly number[];
  /** The mean square of the entries of the training inputs. */
  readonly power: number;
}

/** The seed that halves what is held out, whatever the seed of the search. */
const HALVING_SEED = 0;

/** @throws PushforwardError `usage` if fewer than two examples are held out */
export function searchExamples({ training, heldOut }: Split): SearchExamples {
  const held = countOf(heldOut);
  if (held < 2) {
    throw new PushforwardError("usage", {
      what: "The space holds out no examples by which to choose and by which to report.",
      where: { option: "data.heldOut" },
      fix: 'Add for example "heldOut": 1000 to "data". One half decides, the other gives the test error.',
    });
  }
  const { training: validation, heldOut: test } = splitStratified(heldOut, Math.floor(held / 2), HALVING_SEED, "test");
  const { inputs } = training;
  return {
    ...{ training, validation, test },
    order: shuffled(countOf(training), createRng("measured examples")),
    power: inputs.reduce((sum, value) => sum + value * value, 0) / inputs.length,
  };
}

/** The first `count` inputs of the order in which candidates are measured, one after another; all of them if there are fewer. */
export const measuredInputs = ({ training, order }: SearchExamples, count: number): Float32Array =>
  subset(training, order.slice(0, count)).inputs;

/** The error by which candidates are compared: the share that is classified wrongly, or the loss where there are no classes. */
export const errorOf = ({ accuracy, loss }: { readonly accuracy?: number; readonly loss: number }): number =>
  accuracy === undefined || Number.isNaN(accuracy) ? loss : 1 - accuracy;

/** The error of a training whose loss is not finite. */
export const divergedError = ({ loss }: Recipe): number =>
  lossName(loss) === "softmaxCrossEntropy" ? 1 : Number.POSITIVE_INFINITY;
