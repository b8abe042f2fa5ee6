import { int, ints, intTensor, zeros } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { refuse } from "./microsoft-attention.ts";
import { reshape, silu, slice } from "./parts.ts";
import { firstState, lastStates } from "./states.ts";

/** What ONNX Runtime may say of the layout, of a part of the channels, and of states besides the last one. */
const LAYOUTS = [
  "channels_last",
  "dilation",
  "input_channel_offset",
  "input_channels",
  "ndim",
  "state_channels_last",
  "state_length",
  "state_update_capacity",
  "state_window",
] as const;

/** batch × channels × length from batch × length × channels, and the reverse. */
const swapped = (to: Rewrite, x: string): string => to.add("Transpose", [x], { perm: ints([0, 2, 1]) });

/** A convolution of each channel with what came before; the state is what comes before the next part. */
function causalConvolution(node: Node, to: Rewrite): Node {
  const [x = "", weight = "", bias = "", past = ""] = node.inputs;
  const [shape, kernel] = [to.shape(x), to.shape(weight)];
  if (shape === undefined || kernel === undefined) return node;
  const read = to.attributes;
  const option = (name: string, otherwise: number) => (read.has(name) ? read.int(name, otherwise) : otherwise);
  if (option("ndim", 1) !== 1) throw refuse(node, "A state of more than one axis");
  const isLast = option("channels_last", 0) !== 0;
  const stateIsLast = [false, true][option("state_channels_last", -1)] ?? isLast;
  const [channels = 1, , width = 1] = kernel;
  const [batch = 1] = shape;
  const length = isLast ? shape[1]! : shape[2]!;
  const step = option("dilation", 1);
  const before = (width - 1) * step;
  const held = option("state_length", 0) || before;
  const window = option("state_window", 0);

  const channelsFirst = (): string => {
    if (!isLast) return x;
    const [from, count] = [option("input_channel_offset", 0), option("input_channels", 0)];
    const rows = shape.length === 3 ? x : reshape(to, x, [batch, length, -1]);
    return swapped(to, count === 0 ? rows : slice(to, rows, from, from + count));
  };
  const stateOf = (given: string): string => {
    const own = firstState(to, given, window);
    return stateIsLast ? swapped(to, reshape(to, own, [batch, held, channels])) : own;
  };
  const rows = channelsFirst();
  const start = past === "" ? to.constant("state", zeros("float32", [batch, channels, held])) : stateOf(past);
  const whole = held === 0 ? rows : to.add("Concat", [start, rows], { axis: int(2) });
  const convolved = held === before ? whole : slice(to, whole, held - before, held + length, 2);
  const y = to.add("Conv", bias === "" ? [convolved, weight] : [convolved, weight, bias], {
    group: int(channels),
    ...(step === 1 ? {} : { dilations: ints([step]) }),
  });

  const [, present = "", update = ""] = node.outputs;
  const outer = isLast && shape.length > 3 ? shape.slice(2) : [channels];
  const inLayout = (state: string) => (stateIsLast ? reshape(to, swapped(to, state), [batch, held, ...outer]) : state);
  if (present !== "") {
    const none = () => inLayout(to.constant("none", zeros("float32", [batch, channels, held])));
    const after = (places: number) => inLayout(slice(to, whole, places, places + held, 2));
    to.add("Identity", [lastStates(to, { length, window, none }, after)], {}, present);
  }
  if (update !== "") {
    const capacity = option("state_update_capacity", 0);
    const count = Math.min(length, capacity);
    const rest = zeros("float32", [batch, capacity - count, channels]);
    const first = swapped(to, slice(to, rows, 0, count, 2));
    to.add("Concat", [first, to.constant("rest", rest)], { axis: int(1) }, update);
  }
  const activated = read.text("activation", "none") === "none" ? y : silu(to, y);
  if (!isLast) return standard(node, "Identity", [activated]);
  if (shape.length === 3) return standard(node, "Transpose", [activated], { perm: ints([0, 2, 1]) });
  return standard(node, "Reshape", [swapped(to, activated), to.constant("whole", intTensor(shape))]);
}

const causalConvWith = (...others: readonly string[]): OperatorRewriting => ({
  attributes: ["activation", ...others],
  looksAt: [0, 1],
  rewrite: causalConvolution,
});

/** The operator of ONNX, and that of ONNX Runtime, which has further attributes. */
export const causalConvolutions: Readonly<Record<string, OperatorRewriting>> = {
  CausalConvWithState: causalConvWith(),
  "com.microsoft:CausalConvWithState": causalConvWith(...LAYOUTS),
};
