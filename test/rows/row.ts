import type { Shape } from "../../src/base/index.ts";
import type { Graph, Tensor } from "../../src/onnx/index.ts";

/**
 * How the entries of an input are drawn:
 * `gaussian`; `positive` in [0.5, 2]; `above-one` in [1.2, 2.2]; `unit` in (−0.9, 0.9); `away-from-kinks`, of either sign
 * with |x| in [0.2, 0.4], [1.2, 2.2] or [3.2, 4.2], so never near 0, ½, 1, 2½ or 3; `distinct`, no two entries closer
 * than 0.07.
 */
export type Sampler = "gaussian" | "positive" | "above-one" | "unit" | "away-from-kinks" | "distinct";

interface Drawn {
  readonly shape: Shape;
  readonly from: Sampler;
}

/** An input: a shape to fill at random, a tensor given as it is, or an optional one left out. */
export type RowInput = Shape | Drawn | Tensor | null;

/** Attributes by their values; `attributesOf` knows their kinds. */
export type RowAttributes = Readonly<Record<string, number | string | readonly number[] | Tensor | Graph>>;

/** One node with the inputs to try it on: what every law is held against. */
export interface OpRow {
  readonly op: string;
  /** `""`, ai.onnx, unless stated. */
  readonly domain?: string;
  /** In the node's order. */
  readonly in: Readonly<Record<string, RowInput>>;
  readonly attrs?: RowAttributes;
  /** Sampler of the inputs given by their shapes; `gaussian` unless stated. */
  readonly from?: Sampler;
  /** Inputs by which to differentiate; the first unless stated. */
  readonly by?: readonly string[];
  /** Inputs that are initializers, as weights are; all others given by shape are inputs of the graph. */
  readonly weights?: readonly string[];
  /** Number of outputs; 1 unless stated. */
  readonly outputs?: number;
  /** Operator set; 18 unless stated. */
  readonly opset?: number;
  readonly note?: string;
  /** Why ONNX Runtime cannot run this node itself; its forward result is then not compared. */
  readonly withoutForward?: string;
}

/** Some nodes in a row: what no single one shows. */
export interface GraphRow extends Omit<OpRow, "op" | "domain" | "attrs" | "outputs"> {
  readonly nodes: readonly {
    readonly op: string;
    readonly in: readonly string[];
    readonly out: readonly string[];
    readonly attrs?: RowAttributes;
  }[];
  readonly targets: readonly string[];
  readonly note: string;
}

export type Row = OpRow | GraphRow;

/** As a test's title: `Conv x[1,2,5,5] strides=2,2: note`. */
export function titleOf(row: Row): string {
  const shapes = Object.entries(row.in).map(([name, input]) => {
    const shape = input === null ? "–" : `[${"shape" in input ? input.shape : input}]`;
    return row.by?.includes(name) ? `d${name}${shape}` : `${name}${shape}`;
  });
  const attributes =
    "op" in row
      ? Object.entries(row.attrs ?? {}).map(
          ([name, value]) => `${name}=${typeof value === "object" && !Array.isArray(value) ? "…" : value}`,
        )
      : [];
  const head =
    "op" in row
      ? [row.op, ...shapes, ...attributes].join(" ")
      : [...row.nodes.map(({ op }) => op), ...shapes].join(" ");
  return row.note === undefined ? head : `${head}: ${row.note}`;
}
