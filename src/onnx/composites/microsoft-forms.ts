import { castTo, int, intTensor } from "../build.ts";
import type { Node } from "../model.ts";
import { type OperatorRewriting, type Rewrite, standard } from "../rewrite.ts";

/** The same operator in ai.onnx, or another one with the same inputs and attributes. */
const renamed = (attributes: readonly string[], op?: string): OperatorRewriting => ({
  attributes,
  rewrite: (node) => ({ ...node, domain: "", op: op ?? node.op }),
});

function expandDims(node: Node, to: Rewrite): Node {
  const [x = "", axis = ""] = node.inputs;
  const one = to.constant("one", intTensor([1]));
  return standard(node, "Unsqueeze", [x, to.add("Reshape", [to.add("Cast", [axis], castTo("int64")), one])]);
}

/** Bounds that may be vectors of one entry, and a step of 1 unless one is given. */
function range(node: Node, to: Rewrite): Node {
  const [start = "", limit = "", delta = ""] = node.inputs;
  const scalar = (name: string) => to.add("Reshape", [name, to.constant("scalar", intTensor([]))]);
  const next = delta === "" ? to.add("CastLike", [to.constant("one", intTensor([1], [])), start]) : scalar(delta);
  return standard(node, "Range", [scalar(start), scalar(limit), next]);
}

/** The entries in the order in which they occur first, the place of each, and how often each occurs. */
function unique(node: Node): Node {
  const [y = "", places = "", counts = ""] = node.outputs;
  return {
    ...standard(node, "Unique", node.inputs, { sorted: int(0) }),
    outputs: [y, "", places, counts],
  };
}

/** Forms of operators of ai.onnx that ONNX Runtime has beside these. */
export const microsoftForms: Readonly<Record<string, OperatorRewriting>> = {
  "com.microsoft:ExpandDims": { attributes: [], rewrite: expandDims },
  "com.microsoft:GatherND": renamed([]),
  "com.microsoft:Pad": renamed(["mode"]),
  "com.microsoft:Range": { attributes: [], rewrite: range },
  "com.microsoft:SampleOp": renamed([], "Identity"),
  // Its other inputs matter only in training.
  "com.microsoft:TorchEmbedding": {
    attributes: [],
    rewrite: (node) => standard(node, "Gather", node.inputs.slice(0, 2)),
  },
  "com.microsoft:Trilu": renamed(["upper"]),
  "com.microsoft:Unique": { attributes: [], rewrite: unique },
};
