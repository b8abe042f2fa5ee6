import { sameShape, sizeOf } from "../base/index.ts";
import { intTensor } from "../onnx/index.ts";
import { ProgramBuilder } from "./builder.ts";
import type { PrimalBuilder } from "./primal.ts";
import type { AnyStep, LinearProgram, LinearVar, Operand, Step } from "./program.ts";

/**
 * Applies a factor after the selection that follows it: gather(reshape(m ∘ x)) becomes m′ ∘ gather(reshape(x)), where the primal pass
 * computes m′ = gather(m). With a ReLU before a max pool, the mask is then multiplied with the output of the pool and not with its
 * larger input; the same holds in the transpose.
 *
 * The result is the same bit for bit.
 */
export function scaleAfterGather(program: LinearProgram, primal: PrimalBuilder): LinearProgram {
  const makers = new Map(program.steps.map((step) => [step.output.id, step]));
  const uses = new Map<number, number>();
  for (const x of [...program.steps.flatMap((step) => step.inputs), ...program.targets]) {
    if (x !== undefined) uses.set(x.id, (uses.get(x.id) ?? 0) + 1);
  }
  const makerOf = (x: LinearVar) => (uses.get(x.id) === 1 ? makers.get(x.id) : undefined);
  const replaced = new Map<AnyStep, AnyStep>();
  for (const selection of program.steps) {
    if (selection.op !== "gather") continue;
    const flattening = makerOf(selection.inputs[0]!);
    if (flattening?.op !== "reshape" || flattening.output.shape.length !== 1) continue;
    const scaling = makerOf(flattening.inputs[0]!);
    if (scaling?.op !== "scale" || !sameShape(scaling.operands[0]!.shape, scaling.output.shape)) continue;
    const [flat, selected] = [flattening.output, { ...scaling.output, shape: selection.output.shape }];
    const factor = selectedFactor(primal, scaling.operands[0]!, selection.operands[0]!);
    replaced.set(scaling, { ...flattening, inputs: scaling.inputs, output: flat } satisfies Step<"reshape">);
    replaced.set(flattening, { ...selection, inputs: [flat], output: selected } satisfies Step<"gather">);
    replaced.set(selection, {
      ...scaling,
      inputs: [selected],
      operands: [factor],
      output: selection.output,
    } satisfies Step<"scale">);
  }
  return { ...program, steps: program.steps.map((step) => replaced.get(step) ?? step) };
}

/**
 * Splits a convolution of a concatenation: conv(concat(a, b), W) becomes conv(a, Wₐ) + conv(b, W_b), where Wₐ and W_b have the input
 * channels of each part. Then the parts are not copied into one tensor, and the transpose does not cut a cotangent into slices.
 */
export function convolveParts(program: LinearProgram, primal: PrimalBuilder): LinearProgram {
  const makers = new Map(program.steps.map((step) => [step.output.id, step]));
  const ids = [...program.sources.map(({ id }) => id), ...makers.keys()];
  let nextId = ids.reduce((most, id) => Math.max(most, id), 0) + 1;
  const steps = program.steps.flatMap((step): AnyStep[] => {
    const concat = step.op === "conv" && step.attributes.group === 1 ? makers.get(step.inputs[0]!.id) : undefined;
    const weight = step.operands[0];
    if (step.op !== "conv" || concat?.op !== "concat" || weight === undefined) return [step];
    const channelAxis = 1 - weight.shape.length;
    if (concat.attributes.axis !== channelAxis) return [step];
    let start = 0;
    const parts = concat.inputs.map((x): Step<"conv"> => {
      const size = x.shape.at(channelAxis)!;
      const operands = [inputChannels(primal, weight, start, size)];
      start += size;
      return { ...step, inputs: [x], operands, output: { id: nextId++, shape: step.output.shape } };
    });
    const terms = parts.map(({ output }) => output);
    return [...(parts as AnyStep[]), { op: "add", inputs: terms, operands: [], attributes: {}, output: step.output }];
  });
  const used = new Set([...steps.flatMap(({ inputs }) => inputs), ...program.targets].map((x) => x?.id));
  return { ...program, steps: steps.filter(({ op, output }) => op !== "concat" || used.has(output.id)) };
}

/**
 * Takes sums that are spread over the rows of a matrix past a product: (a − m ∘ s1ᵀ)·W becomes a·W − (mW) ∘ s1ᵀ, where the primal pass
 * computes mW. In attention, m are the probabilities, and mW the result: what Softmax subtracts from every row is then subtracted from the
 * result of a head, which has fewer columns than there are keys.
 *
 * @see Dao et al. 2022, "FlashAttention", appendix B.2
 */
export function spreadAfterProduct(program: LinearProgram, primal: PrimalBuilder): LinearProgram {
  const makers = new Map(program.steps.map((step) => [step.output.id, step]));
  const uses = new Map<number, number>();
  for (const x of [...program.steps.flatMap((step) => step.inputs), ...program.targets]) {
    if (x !== undefined) uses.set(x.id, (uses.get(x.id) ?? 0) + 1);
  }
  const makerOf = (x: LinearVar) => (uses.get(x.id) === 1 ? makers.get(x.id) : undefined);
  const l = new ProgramBuilder();
  const made = new Map<number, LinearVar>(program.sources.map((x) => [x.id, l.source(x.shape)]));
  const again = (x: LinearVar) => made.get(x.id)!;
  for (const step of program.steps) {
    const sum = step.op === "matmul" && fewerColumns(step) ? makerOf(step.inputs[0]!) : undefined;
    const spread = sum?.op === "add" ? sum.inputs.flatMap((term) => spreadOf(term, makerOf) ?? []) : [];
    const [one] = spread;
    if (one === undefined || step.op !== "matmul" || spread.length === sum!.inputs.length) {
      made.set(step.output.id, l.again(step, step.inputs.map(again)));
      continue;
    }
    const rest = l.add(...sum!.inputs.filter((term) => term !== one.term).map(again));
    const weight = step.operands[0]!;
    const product = l.matmul(rest, weight, step.attributes.transposeW);
    const factor = primal.keep(matrixProduct(primal, one.factor, weight, step));
    const subtracted = l.scale(factor, l.broadcast(again(one.of), step.output.shape));
    made.set(step.output.id, l.add(product, l.multiply(one.number, subtracted))!);
  }
  return l.finish(program.targets.map((target) => target && made.get(target.id)));
}

const fewerColumns = ({ inputs: [x], output }: AnyStep): boolean => output.shape.at(-1)! < x!.shape.at(-1)!;

/** A term number · factor ∘ (one column, spread over all); `undefined` for other terms. */
function spreadOf(term: LinearVar, makerOf: (x: LinearVar) => AnyStep | undefined) {
  const negation = makerOf(term);
  const number = negation?.op === "multiply" ? negation.attributes.factor : 1;
  const scaling = negation?.op === "multiply" ? makerOf(negation.inputs[0]!) : negation;
  if (scaling?.op !== "scale" || !sameShape(scaling.operands[0]!.shape, scaling.output.shape)) return undefined;
  const spreading = makerOf(scaling.inputs[0]!);
  const column = [...scaling.output.shape.slice(0, -1), 1];
  if (spreading?.op !== "broadcast" || !sameShape(spreading.inputs[0]!.shape, column)) return undefined;
  return { term, number, factor: scaling.operands[0]!, of: spreading.inputs[0]! };
}

function matrixProduct(primal: PrimalBuilder, m: Operand, w: Operand, { attributes, output }: Step<"matmul">) {
  const last = w.shape.length - 1;
  const turned = [...w.shape.keys()].map((axis) => (axis < last - 1 ? axis : 2 * last - 1 - axis));
  const right = attributes.transposeW ? primal.transpose(primal.valueOf(w), turned) : primal.valueOf(w);
  return primal.op("MatMul", [primal.valueOf(m), right], output.shape);
}

function inputChannels(primal: PrimalBuilder, weight: Operand, start: number, size: number): Operand {
  const bounds = [start, start + size, 1].map((value) => primal.constant(intTensor([value])));
  const shape = [weight.shape[0]!, size, ...weight.shape.slice(2)];
  const part = primal.op("Slice", [primal.valueOf(weight), ...bounds], shape);
  return primal.keep(part, primal.kept.get(weight.name)?.of);
}

function selectedFactor(primal: PrimalBuilder, factor: Operand, indices: Operand): Operand {
  const flat = primal.reshape(primal.valueOf(factor), [sizeOf(factor.shape)]);
  return primal.keep(primal.op("Gather", [flat, primal.valueOf(indices)], indices.shape));
}
