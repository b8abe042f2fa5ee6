import { PushforwardError, type Shape } from "../../base/index.ts";
import { int, intTensor, zeros } from "../build.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { defaultScale, swapLastTwo, toHeads } from "./attend.ts";
import { reshape, scalar, slice } from "./parts.ts";
import { firstState, lastStates } from "./states.ts";

/**
 * The operator of ONNX, one step for each place of the sequence: the state S (batch × heads × size × valueSize) becomes
 * exp(g) S + k ⊗ β (v − Sᵀk), of which the rule leaves out parts; the result is scale · Sᵀq.
 *
 * @see Yang et al. 2024, "Gated Delta Networks"
 */
const linearAttentionWith = (...others: readonly string[]): OperatorRewriting => ({
  attributes: ["chunk_size", "kv_num_heads", "q_num_heads", "scale", "update_rule", ...others],
  looksAt: [0, 1, 2, 4, 5],
  rewrite(node, to) {
    const [q = "", k = "", v = "", past = "", decay = "", beta = ""] = node.inputs;
    const read = to.attributes;
    const shapes = [q, k, v].map((name) => to.shape(name));
    if (shapes.some((shape) => shape === undefined)) return node;
    const [qShape, kShape, vShape] = shapes as [Shape, Shape, Shape];
    const [asked, groups] = [read.int("q_num_heads", 1), read.int("kv_num_heads", 1)];
    // Several states may belong to one head of queries, or to one of keys.
    const heads = Math.max(asked, groups);
    const [batch, length] = [qShape[0]!, qShape[1]!];
    const [size, valueSize] = [qShape[2]! / asked, vShape[2]! / groups];
    const window = read.has("state_window") ? read.int("state_window", 0) : 0;
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
    const scaled = toHeads(
      to,
      to.add("Mul", [q, scalar(to, "scale", scale)]),
      qShape as [number, number, number],
      asked,
    );
    const shared = repeated(to, scaled, [batch, asked, length, size], heads / asked);
    const queries = reshape(to, shared, [batch, groups, heads / groups, length, size]);
    const steps = (x: string, width: number, count = groups) => toHeads(to, x, [batch, length, width], count);
    const ofKeys = kShape[2]! / size;
    const keys = repeated(to, steps(k, kShape[2]!, ofKeys), [batch, ofKeys, length, size], groups / ofKeys);
    const values = steps(v, vShape[2]!);
    const gates = rule.startsWith("gated") ? to.add("Exp", [steps(decay, to.shape(decay)?.[2] ?? groups)]) : undefined;
    const betaWidth = to.shape(beta)?.[2] ?? groups;
    const rates = rule.endsWith("delta") ? steps(beta, betaWidth, betaWidth) : undefined;
    const none = () => to.constant("state", zeros("float32", [batch, groups, size, valueSize]));
    let state = past === "" ? none() : firstState(to, past, window);
    const states = [state];
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
      states.push(state);
      const own = reshape(to, at(queries, 3), [batch, groups, heads / groups, size]);
      results.push(reshape(to, to.add("MatMul", [own, state]), [batch, 1, heads * valueSize]));
    }
    if (node.outputs[1]) {
      const last = lastStates(to, { length, window, none }, (places) => states[places]!);
      to.add("Identity", [last], {}, node.outputs[1]);
    }
    return standard(node, "Concat", results, { axis: int(1) });
  },
});

/** Each head several times, one after the other. */
function repeated(
  to: Rewrite,
  x: string,
  [batch, heads, length, size]: readonly [number, number, number, number],
  times: number,
): string {
  if (times === 1) return x;
  const shape = to.constant("shape", intTensor([batch, heads, times, length, size]));
  const wide = to.add("Expand", [reshape(to, x, [batch, heads, 1, length, size]), shape]);
  return reshape(to, wide, [batch, heads * times, length, size]);
}

/** The operator of ONNX, and that of ONNX Runtime, which may keep several states. */
export const linearAttention: Readonly<Record<string, OperatorRewriting>> = {
  LinearAttention: linearAttentionWith(),
  "com.microsoft:LinearAttention": linearAttentionWith("state_window"),
};
