import type { ReferenceOps } from "../tensor.ts";
import { attention } from "./attention.ts";
import { loss } from "./loss.ts";
import { microsoftOps } from "./microsoft.ts";
import { microsoftAttention } from "./microsoft-attention.ts";
import { microsoftExperts } from "./microsoft-experts.ts";
import { microsoftGates } from "./microsoft-gates.ts";
import { microsoftPadding } from "./microsoft-padding.ts";
import { microsoftPaged } from "./microsoft-paged.ts";
import { microsoftSampling } from "./microsoft-sampling.ts";
import { microsoftVarlen } from "./microsoft-varlen.ts";
import { sampling } from "./sampling.ts";
import { signal } from "./signal.ts";

/** Composites by the text of their schemas, not by the operators that they are written with; outside ai.onnx as `domain:op`. */
export const compositeOps: ReferenceOps = {
  ...attention,
  "com.microsoft:CausalConvWithState": attention.CausalConvWithState!,
  "com.microsoft:LinearAttention": attention.LinearAttention!,
  ...loss,
  ...microsoftAttention,
  ...microsoftExperts,
  ...microsoftGates,
  ...microsoftOps,
  ...microsoftPadding,
  ...microsoftPaged,
  ...microsoftSampling,
  ...microsoftVarlen,
  ...sampling,
  ...signal,
};
