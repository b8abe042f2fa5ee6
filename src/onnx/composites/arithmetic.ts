import type { DataType } from "../model.ts";
import { type OperatorRewriting, standard } from "../rewrite.ts";

/** The types of exponents for which ONNX Runtime has a kernel; those of fewer bits are converted before. */
const EXPONENTS: ReadonlySet<DataType> = new Set(["float32", "int32", "int64"]);

/** A power whose exponent ONNX Runtime does not take has one of the type of its base. */
const pow: OperatorRewriting = {
  attributes: [],
  looksAt: [1],
  rewrite(node, to) {
    const [x = "", exponent = ""] = node.inputs;
    const type = to.type(exponent)?.type;
    if (type === undefined || EXPONENTS.has(type)) return node;
    return standard(node, "Pow", [x, to.add("CastLike", [exponent, x])]);
  },
};

/** Operators that ONNX Runtime does not have for all types. */
export const arithmetic: Readonly<Record<string, OperatorRewriting>> = { Pow: pow };
