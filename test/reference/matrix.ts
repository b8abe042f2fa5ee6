import { broadcastShapes } from "../../src/base/index.ts";
import { type Array64, array, at, build, type ReferenceOps, zip } from "./tensor.ts";

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
  Gemm: ([a, b, c], attributes) => {
    const left = attributes.int("transA", 0) ? turned(a!) : a!;
    const right = attributes.int("transB", 0) ? turned(b!) : b!;
    const [alpha, beta] = [attributes.float("alpha", 1), attributes.float("beta", 1)];
    const product = multiply(left, right);
    return zip([product, c ?? array([], [0])], (ab, term) => alpha * ab! + beta * term!);
  },
};
