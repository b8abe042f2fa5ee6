import type { OpRow } from "../row.ts";
import { arithmeticRows } from "./arithmetic.ts";
import { attentionRows } from "./attention.ts";
import { lossRows } from "./loss.ts";
import { microsoftRows } from "./microsoft.ts";
import { microsoftAttentionRows } from "./microsoft-attention.ts";
import { microsoftGatesRows } from "./microsoft-gates.ts";
import { microsoftSamplingRows } from "./microsoft-sampling.ts";
import { microsoftVarlenRows } from "./microsoft-varlen.ts";
import { normalizationRows } from "./normalization.ts";
import { samplingRows } from "./sampling.ts";
import { scatterRows } from "./scatter.ts";
import { signalRows } from "./signal.ts";

/** Rows of operators that are written with others, by family. `withoutForward` says why ONNX Runtime's own kernel is not compared. */
export const compositeFamilies: Readonly<Record<string, readonly OpRow[]>> = {
  arithmetic: arithmeticRows,
  attention: attentionRows,
  loss: lossRows,
  microsoft: microsoftRows,
  "microsoft-attention": microsoftAttentionRows,
  "microsoft-gates": microsoftGatesRows,
  "microsoft-sampling": microsoftSamplingRows,
  "microsoft-varlen": microsoftVarlenRows,
  normalization: normalizationRows,
  sampling: samplingRows,
  scatter: scatterRows,
  signal: signalRows,
};
