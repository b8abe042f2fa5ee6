import type { ReferenceOps } from "../tensor.ts";
import { attention } from "./attention.ts";

/** Composites by the text of their schemas, not by the operators that they are written with; outside ai.onnx as `domain:op`. */
export const compositeOps: ReferenceOps = { ...attention };
