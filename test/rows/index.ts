import { activationRows } from "./activation.ts";
import { arithmeticRows } from "./arithmetic.ts";
import { convolutionRows } from "./convolution.ts";
import { graphRows } from "./graphs.ts";
import { indexingRows } from "./indexing.ts";
import { linearAlgebraRows } from "./linear-algebra.ts";
import { normalizationRows } from "./normalization.ts";
import { poolingRows } from "./pooling.ts";
import { quantizedRows } from "./quantized.ts";
import { reductionRows } from "./reduction.ts";
import { repetitionRows } from "./repetitions.ts";
import type { Row } from "./row.ts";
import { shapeRows } from "./shape.ts";

/** Every row, by the rules' families. */
export const families: Readonly<Record<string, readonly Row[]>> = {
  activation: activationRows,
  arithmetic: arithmeticRows,
  convolution: convolutionRows,
  indexing: indexingRows,
  "linear-algebra": linearAlgebraRows,
  normalization: normalizationRows,
  pooling: poolingRows,
  quantized: quantizedRows,
  reduction: reductionRows,
  repetitions: repetitionRows,
  shape: shapeRows,
  graphs: graphRows,
};

export const rows: readonly Row[] = Object.values(families).flat();
