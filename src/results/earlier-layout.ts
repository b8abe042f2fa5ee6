import { type Column, type ColumnName, columnNames, columns } from "./columns.ts";
import {
  type ArrayLayout,
  arrayLayout,
  type Dimension,
  layoutOf,
  type VectorLayouts,
  wordAttributes,
} from "./layout.ts";
import type { RunManifest } from "./types.ts";

/** The arrays of format 2 in the place of `numbers` and `notes`. */
export interface EarlierArrays {
  readonly columns: Readonly<Record<ColumnName, ArrayLayout<"int8" | "int32" | "float64">>>;
  readonly kinks: ArrayLayout<"string">;
  readonly onCpu: ArrayLayout<"string">;
}

/**
 * The layout of runs of format 2, which are read and not written to: an array for each column, `done` without digests, and a chunk for each
 * vector.
 */
export function earlierLayoutOf(manifest: RunManifest, together?: number) {
  const layout = layoutOf(manifest, together);
  const unit: readonly Dimension[] = [
    ["input", manifest.inputs.length, 1],
    ["tap", manifest.taps.length, 1],
  ];
  const column = (name: ColumnName) => {
    const { type, about, words }: Column = columns[name];
    const fill = type === "float64" ? Number.NaN : -1;
    return arrayLayout(`/${name}`, type, unit, fill, { long_name: about, ...(words && wordAttributes(words)) });
  };
  const earlier: EarlierArrays = {
    columns: Object.fromEntries(columnNames.map((name) => [name, column(name)])) as EarlierArrays["columns"],
    kinks: arrayLayout("/kinks", "string", unit, "", {}),
    onCpu: arrayLayout("/on_cpu", "string", unit, "", {}),
  };
  return { ...layout, vectors: layout.vectors.map((one) => one && inSingleChunks(one)), earlier };
}

function inSingleChunks({ u, v, ...others }: VectorLayouts): VectorLayouts {
  const single = ({ path, metadata }: ArrayLayout<"float32">) => {
    const [inputs, vectors, ...tensor] = metadata.shape as [number, number, ...number[]];
    const whole = tensor.map((extent, axis): Dimension => [`${axis}`, extent, extent]);
    return arrayLayout(path, "float32", [["input", inputs, 1], ["vector", vectors, 1], ...whole], Number.NaN, {});
  };
  return { ...others, u: single(u), v: single(v) };
}
