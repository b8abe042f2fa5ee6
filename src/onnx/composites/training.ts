import { int } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { type Writer, writerOf } from "./writer.ts";

/** The tensors of one parameter: itself, its gradient, and what the optimizer remembers of it. */
type Step = (write: Writer, of: readonly string[], rate: string, count: string) => readonly Last[];

/** The last operation of an output. */
interface Last {
  readonly op: string;
  readonly inputs: readonly string[];
}

/**
 * One step of an optimizer for several parameters. The inputs are the rate R, the count T, and then one list after the other: the
 * parameters, their gradients and what is remembered. The outputs are lists of new parameters and of what is remembered.
 */
function stepped(node: Node, to: Rewrite, perParameter: number, step: Step): Node {
  const [rate = "", count = "", ...tensors] = node.inputs;
  const parameters = tensors.length / perParameter;
  const write = writerOf(to);
  const floats = write.op("Cast", [count], { to: int(1) });
  let own: Node | undefined;
  for (let i = 0; i < parameters; i++) {
    const of = Array.from({ length: perParameter }, (_, list) => tensors[list * parameters + i]!);
    const news = step(write, of, rate, floats);
    news.forEach((last, list) => {
      const output = node.outputs[list * parameters + i] ?? "";
      if (output === node.outputs[0]) own = standard(node, last.op, last.inputs);
      else if (output !== "") write.op(last.op, last.inputs, {}, output);
    });
  }
  return own!;
}

/** x ↦ x − R g / (√h′ + ε) with h′ = h + g², R divided by 1 + T · decay, and the gradient of ½ norm x² added to g. */
function adagrad(node: Node, to: Rewrite): Node {
  const read = to.attributes;
  return stepped(node, to, 3, (write, [x, g, h], rate, count) => {
    const slowed = write.div(rate, write.affine(read.float("decay_factor", 0), count, 1));
    const gradient = regularized(write, x!, g!, read.float("norm_coefficient", 0));
    const squares = write.add(h!, write.mul(gradient, gradient));
    const scale = write.affine(1, write.op("Sqrt", [squares]), read.float("epsilon", 1e-6));
    const change = write.div(write.mul(slowed, gradient), scale);
    return [subtracted(x!, change), { op: "Identity", inputs: [squares] }];
  });
}

/** x ↦ (1 − post) (x − R′ v′ / (√h′ + ε)) with running means v′ of g and h′ of g², and R′ = R √(1 − βᵀ) / (1 − αᵀ) from T = 1 on. */
function adam(node: Node, to: Rewrite): Node {
  const read = to.attributes;
  const [alpha, beta] = [read.float("alpha", 0.9), read.float("beta", 0.999)];
  return stepped(node, to, 4, (write, [x, g, v, h], rate, count) => {
    const gradient = regularized(write, x!, g!, read.float("norm_coefficient", 0));
    const means = write.add(write.affine(alpha, v!, 0), write.affine(1 - alpha, gradient, 0));
    const squares = write.add(write.affine(beta, h!, 0), write.affine(1 - beta, write.mul(gradient, gradient), 0));
    const scale = write.affine(1, write.op("Sqrt", [squares]), read.float("epsilon", 1e-6));
    const left = (decay: number) => write.affine(-1, write.op("Pow", [write.number(decay), count]), 1);
    const begun = write.op("Greater", [count, write.number(0)]);
    const one = write.number(1);
    // A division by what is 0 before the first step would not be finite, though it is not taken.
    const bias = write.div(write.op("Sqrt", [left(beta)]), write.op("Where", [begun, left(alpha), one]));
    const adjusted = write.mul(rate, write.op("Where", [begun, bias, one]));
    const moved = subtracted(x!, write.mul(adjusted, write.div(means, scale)));
    const post = read.float("norm_coefficient_post", 0);
    const next = post === 0 ? moved : { op: "Mul", inputs: [write.op(moved.op, moved.inputs), write.number(1 - post)] };
    return [next, { op: "Identity", inputs: [means] }, { op: "Identity", inputs: [squares] }];
  });
}

/** x ↦ x − R v′ with v′ = α v + β′ g, or x − R (g + α v′) in Nesterov's form; β′ is 1 in the first step, T = 0. */
function momentum(node: Node, to: Rewrite): Node {
  const read = to.attributes;
  const [alpha, beta] = [read.float("alpha", 0.9), read.float("beta", 1)];
  return stepped(node, to, 3, (write, [x, g, v], rate, count) => {
    const gradient = regularized(write, x!, g!, read.float("norm_coefficient", 0));
    const begun = write.op("Greater", [count, write.number(0)]);
    const share = write.op("Where", [begun, write.number(beta), write.number(1)]);
    const velocity = write.add(write.affine(alpha, v!, 0), write.mul(share, gradient));
    const ahead = read.text("mode", "standard") === "nesterov";
    const direction = ahead ? write.add(gradient, write.affine(alpha, velocity, 0)) : velocity;
    return [subtracted(x!, write.mul(rate, direction)), { op: "Identity", inputs: [velocity] }];
  });
}

/** The gradient with that of ½ norm x². */
const regularized = (write: Writer, x: string, g: string, norm: number): string =>
  norm === 0 ? g : write.add(write.affine(norm, x, 0), g);

const subtracted = (x: string, change: string): Last => ({ op: "Sub", inputs: [x, change] });

/** The optimizers of ai.onnx.preview.training: one step, from parameters and gradients to new parameters. */
export const training: Readonly<Record<string, OperatorRewriting>> = {
  "ai.onnx.preview.training:Adagrad": {
    attributes: ["decay_factor", "epsilon", "norm_coefficient"],
    rewrite: adagrad,
  },
  "ai.onnx.preview.training:Adam": {
    attributes: ["alpha", "beta", "epsilon", "norm_coefficient", "norm_coefficient_post"],
    rewrite: adam,
  },
  "ai.onnx.preview.training:Momentum": {
    attributes: ["alpha", "beta", "mode", "norm_coefficient"],
    rewrite: momentum,
  },
};
