import { broadcastShapes } from "../../src/base/index.ts";
import { type Array64, array, at, build, indicesOf, type ReferenceOps, zip } from "./tensor.ts";

/** Matrix products over the last two axes, leading ones broadcast. */
function multiply(a: Array64, b: Array64): Array64 {
  const lead = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2))!;
  const [rows, inner] = a.shape.slice(-2) as [number, number];
  const columns = b.shape.at(-1)!;
  const within = (x: Array64, index: readonly number[]) =>
    index.slice(lead.length - (x.shape.length - 2)).map((i, axis) => (x.shape[axis] === 1 ? 0 : i));
  return build([...lead, rows, columns], (index) => {
    const [row, column] = index.slice(-2) as [number, number];
    const [fromA, fromB] = [a, b].map((x) => within(x, index.slice(0, -2))) as [number[], number[]];
    let total = 0;
    for (let i = 0; i < inner; i++) total += at(a, [...fromA, row, i]) * at(b, [...fromB, i, column]);
    return total;
  });
}

const turned = (x: Array64) => build([x.shape[1]!, x.shape[0]!], ([i, j]) => at(x, [j!, i!]));

/** Labels of an equation; an ellipsis stands for digits, 0 for the last axis that it covers. */
function labelsOf(term: string, rank: number): string[] {
  const covered = rank - (term.match(/[A-Za-z]/g) ?? []).length;
  const digits = Array.from({ length: covered }, (_, i) => String(covered - 1 - i));
  return [...term.replace("...", digits.join(""))];
}

/** Σ over all places of all labels of the product of the entries there. */
function einsum(equation: string, inputs: readonly Array64[]): Array64 {
  const [left, right] = equation.replaceAll(" ", "").split("->") as [string, string | undefined];
  const terms = left.split(",").map((term, i) => labelsOf(term, inputs[i]!.shape.length));
  const all = [...new Set(terms.flat())];
  const digits = all
    .filter((label) => label < "A")
    .sort()
    .reverse();
  const once = all.filter((label) => label >= "A" && terms.flat().filter((one) => one === label).length === 1).sort();
  const output = right === undefined ? [...digits, ...once] : [...right.replace("...", digits.join(""))];
  const extent = (label: string) =>
    Math.max(
      ...terms.flatMap((term, i) => term.flatMap((one, axis) => (one === label ? [inputs[i]!.shape[axis]!] : []))),
    );
  const summed = all.filter((label) => !output.includes(label));
  return build(output.map(extent), (index) => {
    let total = 0;
    for (const rest of indicesOf(summed.map(extent))) {
      const place = (label: string) =>
        output.includes(label) ? index[output.indexOf(label)]! : rest[summed.indexOf(label)]!;
      total += inputs.reduce(
        (product, x, i) =>
          product *
          at(
            x,
            terms[i]!.map((label, axis) => (x.shape[axis] === 1 ? 0 : place(label))),
          ),
        1,
      );
    }
    return total;
  });
}

/** Laplace's expansion along the first row. */
function determinant(rows: readonly (readonly number[])[]): number {
  if (rows.length === 0) return 1;
  const [first, ...rest] = rows;
  return first!.reduce(
    (total, entry, j) => total + (j % 2 === 0 ? 1 : -1) * entry * determinant(rest.map((row) => row.toSpliced(j, 1))),
    0,
  );
}

/** The inverse by elimination, each time with the largest pivot of the column. */
function inverse(rows: readonly number[][]): number[][] {
  const n = rows.length;
  const wide = rows.map((row, i) => [...row, ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0))]);
  for (let k = 0; k < n; k++) {
    const best = wide.reduce((at, row, i) => (i > k && Math.abs(row[k]!) > Math.abs(wide[at]![k]!) ? i : at), k);
    [wide[k], wide[best]] = [wide[best]!, wide[k]!];
    const pivot = wide[k]![k]!;
    wide[k] = wide[k]!.map((value) => value / pivot);
    for (let i = 0; i < n; i++) {
      const factor = wide[i]![k]!;
      if (i !== k) wide[i] = wide[i]!.map((value, j) => value - factor * wide[k]![j]!);
    }
  }
  return wide.map((row) => row.slice(n));
}

export const matrix: ReferenceOps = {
  MatMul: ([a, b]) => {
    const left = a!.shape.length === 1 ? array([1, ...a!.shape], a!.data) : a!;
    const right = b!.shape.length === 1 ? array([...b!.shape, 1], b!.data) : b!;
    const y = multiply(left, right);
    const shape = [
      ...y.shape.slice(0, -2),
      ...(a!.shape.length === 1 ? [] : [y.shape.at(-2)!]),
      ...(b!.shape.length === 1 ? [] : [y.shape.at(-1)!]),
    ];
    return array(shape, y.data);
  },
  Einsum: (inputs, attributes) => einsum(attributes.text("equation", ""), inputs as Array64[]),
  Det: ([x]) => {
    const n = x!.shape.at(-1)!;
    return build(x!.shape.slice(0, -2), (_, place) =>
      determinant(
        Array.from({ length: n }, (_, i) => [...x!.data.subarray((place * n + i) * n, (place * n + i + 1) * n)]),
      ),
    );
  },
  "com.microsoft:Inverse": ([x]) => {
    const n = x!.shape.at(-1)!;
    const inverses = Array.from({ length: x!.data.length / n ** 2 }, (_, place) =>
      inverse(
        Array.from({ length: n }, (_row, i) => [...x!.data.subarray((place * n + i) * n, (place * n + i + 1) * n)]),
      ),
    );
    return array(x!.shape, inverses.flat(2));
  },
  Gemm: ([a, b, c], attributes) => {
    const left = attributes.int("transA", 0) ? turned(a!) : a!;
    const right = attributes.int("transB", 0) ? turned(b!) : b!;
    const [alpha, beta] = [attributes.float("alpha", 1), attributes.float("beta", 1)];
    const product = multiply(left, right);
    return zip([product, c ?? array([], [0])], (ab, term) => alpha * ab! + beta * term!);
  },
};
