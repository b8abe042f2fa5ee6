import { PushforwardError } from "../base/index.ts";
import { int } from "../onnx/index.ts";
import type { LayerWriter } from "./layer-writer.ts";

/** Adds the nodes of a loss, a number, from the last layer's output [B, …] and an input of the graph of the same shape. */
type WriteLoss = (writer: LayerWriter, target: string) => void;

interface Loss {
  /** Whether it is a sum or a mean over examples. */
  readonly over: "sum" | "mean";
  readonly write: WriteLoss;
}

/** The losses by name. `target` has the shape of the network's output; B is the number of examples in a batch. */
export const losses = {
  /** −(1/B) Σ t·ln softmax(z), in nats. The target of an example is 1 at its class, and 0 elsewhere. */
  softmaxCrossEntropy: {
    over: "mean",
    write: (writer, target) => {
      const batch = writer.shape[0]!;
      writer.op("LogSoftmax", "logProbability", { attributes: { axis: int(-1) } });
      writer.op("Mul", "logLikelihood", { inputs: [target] });
      total(writer);
      writer.op("Mul", "loss", { inputs: [writer.scalar("minusPerImage", -1 / batch)] });
    },
  },
  /**
   * −(1/B) Σ [t·ln y + (1 − t)·ln(1 − y)], in nats, summed over outputs. The network ends in a sigmoid without an offset, y. The loss is
   * computed from what enters it, as ln(1 + e^z) − t·z, so that it is finite wherever z is.
   */
  binaryCrossEntropy: {
    over: "mean",
    write: (writer, target) => {
      const batch = writer.shape[0]!;
      const { lastNode } = writer;
      if (lastNode?.op !== "Sigmoid") {
        throw new PushforwardError("model-invalid", {
          what: "The binary cross-entropy is that of outputs between 0 and 1, but the network does not end in a sigmoid.",
          fix: "Add a last layer of the kind sigmoid, without an offset.",
        });
      }
      const logits = lastNode.inputs[0]!;
      writer.continueFrom(logits);
      writer.op("Mul", "likelihood", { inputs: [target] });
      writer.continueFrom(logits);
      writer.op("Softplus", "normalizer");
      writer.op("Sub", "minusLogLikelihood", { inputs: ["likelihood"] });
      total(writer);
      writer.op("Mul", "loss", { inputs: [writer.scalar("perImage", 1 / batch)] });
    },
  },
  /** ½ Σ (y − t)², summed over outputs and examples, as in the theory of learning in deep linear networks. */
  summedSquaredError: {
    over: "sum",
    write: (writer, target) => {
      squares(writer, target);
      total(writer);
      writer.op("Mul", "loss", { inputs: [writer.scalar("half", 0.5)] });
    },
  },
  /** The mean of (y − t)² over outputs and examples. */
  meanSquaredError: {
    over: "mean",
    write: (writer, target) => {
      squares(writer, target);
      writer.op("ReduceMean", "loss", { shape: [], attributes: { keepdims: int(0) } });
    },
  },
} as const satisfies Readonly<Record<string, Loss>>;

export type LossName = keyof typeof losses;

function total(writer: LayerWriter): void {
  writer.op("ReduceSum", "total", { shape: [], attributes: { keepdims: int(0) } });
}

function squares(writer: LayerWriter, target: string): void {
  writer.op("Sub", "error", { inputs: [target] });
  writer.op("Mul", "squaredError", { inputs: ["error"] });
}
