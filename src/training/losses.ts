import { PushforwardError } from "../base/index.ts";
import { int } from "../onnx/index.ts";
import { writeCrossEntropy, writeReconstruction, writeSum } from "./boltzmann.ts";
import type { LayerWriter } from "./layer-writer.ts";

/**
 * The gradient of the likelihood of a restricted Boltzmann machine, estimated with states of Gibbs chains. The network is its encoder, a
 * dense layer and a sigmoid; the visible bias is the weight `visible.bias`. Inputs are numbers from 0 to 1.
 *
 * @see Hinton 2002, "Training products of experts by minimizing contrastive divergence"; Tieleman 2008, "Training restricted Boltzmann
 * machines using approximations to the likelihood gradient"
 */
export interface ContrastiveDivergence {
  readonly kind: "contrastiveDivergence";
  /** The Gibbs steps of a chain in each step of the training, 1 unless it is given. */
  readonly steps?: number;
  /** Whether chains go on from step to step of the training; otherwise they begin at the batch. They begin where all is 0. */
  readonly persistent?: boolean;
  /** How many persistent chains there are, as many as examples in a batch unless it is given. */
  readonly chains?: number;
}

export type LossName =
  | "softmaxCrossEntropy"
  | "binaryCrossEntropy"
  | "summedSquaredError"
  | "meanSquaredError"
  | "contrastiveDivergence";

/** A loss by its name, or with its settings. */
export type Loss = LossName | { readonly kind: Exclude<LossName, "contrastiveDivergence"> } | ContrastiveDivergence;

interface Definition {
  /** Whether it is a sum or a mean over examples. */
  readonly over: "sum" | "mean";
  /** What the numbers are, if not the loss of this name. */
  readonly told?: string;
  /** Whether it compares the output with a target. */
  readonly hasTarget: boolean;
  /** Adds the nodes of `loss`, a number, from the last layer's output [B, …], and an input of the graph of the same shape if there is one. */
  readonly write: (writer: LayerWriter, target: string) => void;
}

/** The losses by name. `target` has the shape of the network's output; B is the number of examples in a batch. */
export const losses: { readonly [Name in LossName]: Definition } = {
  /** −(1/B) Σ t·ln softmax(z), in nats. The target of an example is 1 at its class, and 0 elsewhere. */
  softmaxCrossEntropy: {
    over: "mean",
    hasTarget: true,
    write: (writer, target) => {
      const batch = writer.shape[0]!;
      writer.op("LogSoftmax", "logProbability", { attributes: { axis: int(-1) } });
      writer.op("Mul", "logLikelihood", { inputs: [target] });
      writeSum(writer, "total");
      writer.op("Mul", "loss", { inputs: [writer.scalar("minusPerImage", -1 / batch)] });
    },
  },
  /** −(1/B) Σ [t·ln y + (1 − t)·ln(1 − y)], in nats, summed over outputs. The network ends in a sigmoid without an offset, y. */
  binaryCrossEntropy: {
    over: "mean",
    hasTarget: true,
    write: (writer, target) => {
      const lastNode = writer.nodeOf(writer.last);
      if (lastNode?.op !== "Sigmoid") {
        throw new PushforwardError("model-invalid", {
          what: "The binary cross-entropy is that of outputs between 0 and 1, but the network does not end in a sigmoid.",
          fix: "Add a last layer of the kind sigmoid, without an offset.",
        });
      }
      writer.continueFrom(lastNode.inputs[0]!);
      writeCrossEntropy(writer, target);
    },
  },
  /** ½ Σ (y − t)², summed over outputs and examples, as in the theory of learning in deep linear networks. */
  summedSquaredError: {
    over: "sum",
    hasTarget: true,
    write: (writer, target) => {
      squares(writer, target);
      writeSum(writer, "total");
      writer.op("Mul", "loss", { inputs: [writer.scalar("half", 0.5)] });
    },
  },
  /** The mean of (y − t)² over outputs and examples. */
  meanSquaredError: {
    over: "mean",
    hasTarget: true,
    write: (writer, target) => {
      squares(writer, target);
      writer.op("ReduceMean", "loss", { shape: [], attributes: { keepdims: int(0) } });
    },
  },
  contrastiveDivergence: {
    over: "mean",
    told: "cross-entropy of the reconstruction",
    hasTarget: false,
    write: writeReconstruction,
  },
};

/** The name of a loss that is given by it or with settings. */
export const lossName = (loss: Loss): LossName => (typeof loss === "string" ? loss : loss.kind);

/** The Gibbs chains of contrastive divergence; `undefined` for another loss. */
export interface Chains {
  readonly count: number;
  readonly steps: number;
  readonly persistent: boolean;
}

/** The chains of a loss for batches of a size, with what is not given. */
export function chainsOf(loss: Loss, batch: number): Chains | undefined {
  if (lossName(loss) !== "contrastiveDivergence") return undefined;
  const { steps = 1, persistent = false, chains = batch } = loss as Partial<ContrastiveDivergence>;
  return { count: persistent ? chains : batch, steps, persistent };
}

function squares(writer: LayerWriter, target: string): void {
  writer.op("Sub", "error", { inputs: [target] });
  writer.op("Mul", "squaredError", { inputs: ["error"] });
}
