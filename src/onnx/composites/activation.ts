import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";
import { scalar } from "./parts.ts";

/** sigmoid(alpha · x) */
function gate(to: Rewrite, x: string): string {
  const alpha = to.attributes.float("alpha", 1);
  return to.add("Sigmoid", [alpha === 1 ? x : to.add("Mul", [x, scalar(to, "alpha", alpha)])]);
}

/** x · sigmoid(alpha · x) */
const swish: OperatorRewriting = {
  attributes: ["alpha"],
  rewrite: (node, to) => standard(node, "Mul", [node.inputs[0] ?? "", gate(to, node.inputs[0] ?? "")]),
};

/** a · sigmoid(alpha · a) · b */
const swiGlu: OperatorRewriting = {
  attributes: ["alpha"],
  rewrite(node, to) {
    const [a = "", b = ""] = node.inputs;
    return standard(node, "Mul", [to.add("Mul", [a, gate(to, a)]), b]);
  },
};

/** Activations that consist of others. */
export const activation: Readonly<Record<string, OperatorRewriting>> = { SwiGLU: swiGlu, Swish: swish };
