import { type OperatorRewriting, standard } from "../rewrite.ts";
import { scalar } from "./parts.ts";

/** a · sigmoid(alpha · a) · b */
const swiGlu: OperatorRewriting = {
  attributes: ["alpha"],
  rewrite(node, to) {
    const [a = "", b = ""] = node.inputs;
    const alpha = to.attributes.float("alpha", 1);
    const inner = alpha === 1 ? a : to.add("Mul", [a, scalar(to, "alpha", alpha)]);
    return standard(node, "Mul", [to.add("Mul", [a, to.add("Sigmoid", [inner])]), b]);
  },
};

/** Activations that consist of others. */
export const activation: Readonly<Record<string, OperatorRewriting>> = { SwiGLU: swiGlu };
