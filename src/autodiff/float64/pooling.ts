import type { Shape } from "../../base/index.ts";
import { int, type Node, readAttributes } from "../../onnx/index.ts";
import { poolWindowOf, windowOf } from "../geometry.ts";
import type { Float64Form, Float64Nodes } from "./form.ts";
import { padded, windowSum } from "./windows.ts";

const KEEP = { keepdims: int(1) };

const spatialAxes = (shape: Shape) => shape.slice(2).map((_, d) => d + 2);

/** The node of a pool in the form that the geometry helpers take. */
function poolOf(write: Float64Nodes, { inputs: [x], outputs: [y], attributes }: Node) {
  const read = readAttributes(attributes);
  const kernel = read.ints("kernel_shape")!;
  const [input, output] = [write.shape(x!).slice(2), write.shape(y!).slice(2)];
  const shapes = { inputs: [{ shape: write.shape(x!) }], outputs: [{ shape: write.shape(y!) }] };
  return { read, kernel, input, output, window: poolWindowOf({ attributes: read, ...shapes }, kernel) };
}

export const averagePoolInFloat64: Float64Form = (write, of) => {
  const { read, kernel, input, output, window } = poolOf(write, of);
  const sum = windowSum(write, padded(write, write.wide(of.inputs[0]!), window.pads), kernel, output, window);
  // The same windows count the entries. Padding from the attributes counts if the node says so; what lies beyond it never counts.
  const stated = windowOf({ attributes: read }, kernel, input, output).pads;
  const rank = kernel.length;
  const ones = write.node("Expand", [write.number(1), write.ints([1, 1, ...input])]);
  const framed = padded(write, ones, stated, read.int("count_include_pad", 0) === 0 ? 0 : 1);
  const beyond = window.pads.map((pad, i) => (i < rank ? 0 : pad - stated[i]!));
  return write.node("Div", [sum, windowSum(write, padded(write, framed, beyond), kernel, output, window)]);
};

/** (Σ|x|ᵖ)^(1/p), where the sum is an argument. */
function pNorm(write: Float64Nodes, of: Node, sum: (powers: string) => string): string {
  const p = readAttributes(of.attributes).int("p", 2);
  const powers = write.node("Pow", [write.node("Abs", [write.wide(of.inputs[0]!)]), write.number(p)]);
  return write.node("Pow", [sum(powers), write.number(1 / p)]);
}

/** A reduction over all spatial axes. */
export const overSpatialAxes =
  (op: string): Float64Form =>
  (write, { inputs: [x] }) =>
    write.node(op, [write.wide(x!), write.ints(spatialAxes(write.shape(x!)))], KEEP);

/** (Σ|x|ᵖ)^(1/p) over windows. */
export const lpPoolInFloat64: Float64Form = (write, of) =>
  pNorm(write, of, (powers) => {
    const { kernel, output, window } = poolOf(write, of);
    return windowSum(write, padded(write, powers, window.pads), kernel, output, window);
  });

/** (Σ|x|ᵖ)^(1/p) over all spatial axes. */
export const globalLpPoolInFloat64: Float64Form = (write, of) =>
  pNorm(write, of, (powers) =>
    write.node("ReduceSum", [powers, write.ints(spatialAxes(write.shape(of.inputs[0]!)))], KEEP),
  );
