import { PushforwardError, type Shape } from "../../base/index.ts";
import { int, intTensor, zeros } from "../build.ts";
import { type OperatorRewriting, standard } from "../rewrite.ts";
import { defaultScale, swapLastTwo, toHeads } from "./attend.ts";
import { reshape, scalar, silu, slice } from "./parts.ts";

/**
 * The operator of ONNX, one step for each place of the sequence: the state S (batch × heads × size × valueSize) becomes
 * exp(g) S + k ⊗ β (v − Sᵀk), of which the rule leaves out parts; the result is scale · Sᵀq.
 *
 * @see Yang et al. 2024, "Gated Delta Networks"
 */
export const linearAttention: OperatorRewriting = {
  attributes: ["chunk_size", "kv_num_heads", "q_num_heads", "scale", "update_rule"],
  looksAt: [0, 1, 2, 4, 5],
  rewrite(node, to) {
    const [q = "", k = "", v = "", past = "", decay = "", beta = ""] = node.inputs;
    const read = to.attributes;
    const shapes = [q, k, v].map((name) => to.shape(name));
    if (shapes.some((shape) => shape === undefined)) return node;
    const [qShape, kShape, vShape] = shapes as [Shape, Shape, Shape];
    const [heads, groups] = [read.int("q_num_heads", 1), read.int("kv_num_heads", 1)];
    const [batch, length] = [qShape[0]!, qShape[1]!];
    const [size, valueSize] = [kShape[2]! / groups, vShape[2]! / groups];
    const rule = read.text("update_rule", "gated_delta");
    if (!["linear", "gated", "delta", "gated_delta"].includes(rule)) {
      throw new PushforwardError("op-unsupported", {
        what: `The update rule "${rule}" of LinearAttention is not known.`,
        where: { node: node.name || node.outputs[0], op: node.op },
        fix: "Export the model again with one of linear, gated, delta and gated_delta.",
      });
    }
    const scale = read.float("scale", 0) || defaultScale(size);
    // A step's queries of heads that share a state are rows of one product.
    const queries = reshape(
      to,
      toHeads(to, to.add("Mul", [q, scalar(to, "scale", scale)]), qShape as [number, number, number], heads),
      [batch, groups, heads / groups, length, size],
    );
    const steps = (x: string, width: number, count = groups) => toHeads(to, x, [batch, length, width], count);
    const keys = steps(k, kShape[2]!);
    const values = steps(v, vShape[2]!);
    const gates = rule.startsWith("gated") ? to.add("Exp", [steps(decay, to.shape(decay)?.[2] ?? groups)]) : undefined;
    const betaWidth = to.shape(beta)?.[2] ?? groups;
    const rates = rule.endsWith("delta") ? steps(beta, betaWidth, betaWidth) : undefined;
    let state = past === "" ? to.constant("state", zeros("float32", [batch, groups, size, valueSize])) : past;
    const results: string[] = [];
    for (let step = 0; step < length; step++) {
      const at = (x: string, axis = 2) => slice(to, x, step, step + 1, axis);
      const key = at(keys);
      const column = swapLastTwo(to, key);
      if (gates !== undefined) {
        state = to.add("Mul", [state, swapLastTwo(to, at(gates))]);
      }
      let value = at(values);
      if (rates !== undefined) {
        value = to.add("Mul", [at(rates), to.add("Sub", [value, to.add("MatMul", [key, state])])]);
      }
      state = to.add("Add", [state, to.add("MatMul", [column, value])]);
      const asked = reshape(to, at(queries, 3), [batch, groups, heads / groups, size]);
      results.push(reshape(to, to.add("MatMul", [asked, state]), [batch, 1, heads * valueSize]));
    }
    if (node.outputs[1]) to.add("Identity", [state], {}, node.outputs[1]);
    return standard(node, "Concat", results, { axis: int(1) });
  },
};

/** The operator of ONNX: a convolution of each channel with what came before; the state is what comes before the next part. */
export const causalConvWithState: OperatorRewriting = {
  attributes: ["activation"],
  looksAt: [0, 1],
  rewrite(node, to) {
    const [x = "", weight = "", bias = "", past = ""] = node.inputs;
    const [shape, kernel] = [to.shape(x), to.shape(weight)];
    if (shape === undefined || kernel === undefined) return node;
    const [batch = 1, channels = 1, length = 1] = shape;
    const before = (kernel[2] ?? 1) - 1;
    const state = past === "" ? to.constant("state", zeros("float32", [batch, channels, before])) : past;
    const whole = before === 0 ? x : to.add("Concat", [state, x], { axis: int(2) });
    const y = to.add("Conv", bias === "" ? [whole, weight] : [whole, weight, bias], { group: int(channels) });
    if (node.outputs[1]) {
      const bounds = [length, length + before, 2].map((value) => to.constant("bound", intTensor([value])));
      to.add("Slice", [whole, ...bounds], {}, node.outputs[1]);
    }
    const activation = to.attributes.text("activation", "none");
    return standard(node, "Identity", [activation === "none" ? y : silu(to, y)]);
  },
};
