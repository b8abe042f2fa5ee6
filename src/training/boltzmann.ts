import { PushforwardError } from "../base/index.ts";
import { int } from "../onnx/index.ts";
import type { LayerWriter } from "./layer-writer.ts";

/** The visible bias b of a machine, which its encoder does not have. */
export const VISIBLE_BIAS = "visible.bias";
/** The input of a training graph for the states v_k of chains, [chains, visible units]. */
export const NEGATIVE = "negative";
/** The scalar that contrastive divergence differentiates. */
const GAP = "freeEnergyGap";

/** The tensors of a restricted Boltzmann machine in a graph. */
interface Machine {
  /** v, [B, visible units] */
  readonly visible: string;
  /** W·v + c, [B, hidden units] */
  readonly field: string;
  /** p(h = 1 | v), [B, hidden units] */
  readonly hidden: string;
  /** W [hidden units, visible units], and c unless there is none. */
  readonly weights: readonly string[];
}

/**
 * The encoder of a machine, which is the network: one dense layer and a sigmoid.
 *
 * @throws PushforwardError `model-invalid` if it is another
 */
function machineOf(writer: LayerWriter): Machine {
  const hidden = writer.last;
  const top = writer.nodeOf(hidden);
  const field = top?.op === "Sigmoid" ? top.inputs[0]! : "";
  const dense = writer.nodeOf(field);
  const [visible = "", ...weights] = dense?.op === "Gemm" ? dense.inputs : [];
  const flat = writer.nodeOf(visible);
  const source = flat?.op === "Flatten" ? flat.inputs[0] : visible;
  if (source === writer.input) return { visible, field, hidden, weights };
  throw new PushforwardError("model-invalid", {
    what: "Contrastive divergence trains a restricted Boltzmann machine, whose network is one dense layer and a sigmoid, and this is another.",
    fix: 'Let the layers be { "kind": "dense", "units": 500 } and { "kind": "sigmoid" }, without a gain and an offset.',
  });
}

/**
 * Writes what a training tells of a machine, as `loss`: the cross-entropy of the inputs and of what the machine makes of them,
 * p(v = 1 | h) at h = p(h = 1 | v), in nats: (1/B) Σ [ln(1 + e^z) − v·z], z = Wᵀ·h + b.
 */
export function writeReconstruction(writer: LayerWriter): void {
  const { visible, hidden, weights } = machineOf(writer);
  const [batch, units] = writer.shapeOf(visible) as [number, number];
  writer.continueFrom(hidden);
  writer.op("Gemm", "visible", {
    inputs: [weights[0]!, writer.parameter(VISIBLE_BIAS, [units])],
    shape: [batch, units],
  });
  writeCrossEntropy(writer, visible);
}

/**
 * Writes `loss`, −(1/B) Σ [t·ln y + (1 − t)·ln(1 − y)] of y = 1/(1 + e^(−z)), from z, the last tensor, and a target. It is computed as
 * ln(1 + e^z) − t·z, so that it is finite wherever z is.
 */
export function writeCrossEntropy(writer: LayerWriter, target: string): void {
  const logits = writer.last;
  const batch = writer.shape[0]!;
  writer.op("Mul", "likelihood", { inputs: [target] });
  writer.continueFrom(logits);
  writer.op("Softplus", "normalizer");
  writer.op("Sub", "minusLogLikelihood", { inputs: ["likelihood"] });
  writeSum(writer, "total");
  writer.op("Mul", "loss", { inputs: [writer.scalar("perImage", 1 / batch)] });
}

/**
 * Writes the scalar whose gradient contrastive divergence follows: mean F(v₀) − mean F(v_k), with the free energy
 * F(v) = −b·v − Σ_j ln(1 + e^((W·v + c)_j)), over the batch and the states of chains, an input of the graph.
 *
 * @param hidden the output of the network
 * @returns its name
 * @see Hinton 2002, "Training products of experts by minimizing contrastive divergence"
 */
export function writeFreeEnergyGap(writer: LayerWriter, hidden: string, chains: number): string {
  writer.continueFrom(hidden);
  const { visible, field, weights } = machineOf(writer);
  const [count, units] = writer.shapeOf(weights[0]!) as [number, number];
  writer.declare(NEGATIVE, [chains, units]);
  writer.continueFrom(NEGATIVE);
  writer.op("Gemm", "negative.field", { inputs: weights, shape: [chains, count], attributes: { transB: int(1) } });
  const negative = meanFreeEnergy(writer, { name: NEGATIVE, visible: NEGATIVE, field: "negative.field" });
  const positive = meanFreeEnergy(writer, { name: "positive", visible, field });
  writer.continueFrom(positive);
  writer.op("Sub", GAP, { inputs: [negative] });
  return GAP;
}

function meanFreeEnergy(
  writer: LayerWriter,
  { name, visible, field }: { readonly name: string; readonly visible: string; readonly field: string },
): string {
  writer.continueFrom(visible);
  const [rows] = writer.shape as [number];
  writer.op("Mul", `${name}.biased`, { inputs: [VISIBLE_BIAS] });
  writeSum(writer, `${name}.ofVisible`);
  writer.continueFrom(field);
  writer.op("Softplus", `${name}.softplus`);
  writeSum(writer, `${name}.ofHidden`);
  writer.op("Add", `${name}.minusEnergy`, { inputs: [`${name}.ofVisible`] });
  writer.op("Mul", `${name}.freeEnergy`, { inputs: [writer.scalar(`${name}.share`, -1 / rows)] });
  return writer.last;
}

/** Writes the sum of all entries of the last tensor. */
export function writeSum(writer: LayerWriter, name: string): void {
  writer.op("ReduceSum", name, { shape: [], attributes: { keepdims: int(0) } });
}
