import { type Attribute, type Attributes, float, int, ints, text } from "../../src/onnx/index.ts";
import type { RowAttributes } from "./row.ts";

const FLOAT_ATTRIBUTES = [
  "activation_alpha",
  "activation_beta",
  "alpha",
  "beta",
  "bias",
  "cubic_coeff_a",
  "decay_factor",
  "epsilon",
  "extrapolation_value",
  "gamma",
  "gate_lower_bound",
  "lambd",
  "mask_filter_value",
  "momentum",
  "norm_coefficient",
  "norm_coefficient_post",
  "qk_norm_epsilon",
  "scale",
  "softcap",
  "spatial_scale",
  "swiglu_limit",
];

/** Attributes with the kind that ONNX gives each. */
export function attributesOf(values: RowAttributes = {}): Attributes {
  const kindOf = (name: string, value: RowAttributes[string]): Attribute => {
    if (typeof value === "string") return text(value);
    if (typeof value === "number") return FLOAT_ATTRIBUTES.includes(name) ? float(value) : int(value);
    if (name === "activation_params") return { kind: "floats", value: value as readonly number[] };
    if ("nodes" in value) return { kind: "graph", value };
    return "data" in value ? { kind: "tensor", value } : ints(value);
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, kindOf(name, value)]));
}
