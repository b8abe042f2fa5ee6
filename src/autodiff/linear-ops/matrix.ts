import { broadcastShapes, type Shape, sameShape, sizeOf } from "../../base/index.ts";
import type { Definition, StepEmitter } from "../program.ts";
import { broadcastIndex } from "./indexing.ts";

/** Rows and columns of the matrix in the last two axes, after transposition. */
function lastTwo(shape: Shape, transposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

function checkBatch(x: Shape, w: Shape): void {
  const batch = x.slice(0, -2);
  const both = broadcastShapes(batch, w.slice(0, -2));
  if (x.length < 2 || w.length < 2 || both === undefined || !sameShape(both, batch)) {
    throw new Error(`matrix operand [${w}] does not fit [${x}]`);
  }
}

function operandMatrix(e: StepEmitter, shape: Shape, transposed: boolean): string {
  if (!transposed) return e.operand();
  const axes = shape.map((_, axis) => axis);
  const last = axes.length - 1;
  return e.transposedOperand(0, [...axes.slice(0, -2), last, last - 1]);
}

/** For each matrix in the batch of x, where the corresponding matrix of the operand starts. */
function operandOffsets(x: Shape, w: Shape): number[] {
  const extent = sizeOf(w.slice(-2));
  return Array.from(broadcastIndex(w.slice(0, -2), x.slice(0, -2)), (i) => i * extent);
}

export const matmul: Definition<"matmul"> = {
  isEntrywise: false,
  shape([x], [w], { transposeW }) {
    checkBatch(x!, w!);
    const [inner, columns] = lastTwo(w!, transposeW);
    if (x!.at(-1) !== inner) throw new Error(`[${x}] times [${w}]${transposeW ? "ᵀ" : ""}`);
    return [...x!.slice(0, -1), columns];
  },
  transpose: (l, ct, { operands, attributes }) => [l.matmul(ct, operands[0]!, !attributes.transposeW)],
  emit(e, { operands, attributes }) {
    return e.node("MatMul", [e.input(), operandMatrix(e, operands[0]!.shape, attributes.transposeW)]);
  },
  evaluate({ inputs, operands, output, attributes: { transposeW } }, [x], [w]) {
    const [inner, columns] = lastTwo(operands[0]!.shape, transposeW);
    const rows = output.shape.at(-2)!;
    const y = new Float64Array(sizeOf(output.shape));
    operandOffsets(inputs[0]!.shape, operands[0]!.shape).forEach((offset, batch) => {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          let total = 0;
          for (let i = 0; i < inner; i++) {
            total += x![(batch * rows + r) * inner + i]! * w![offset + (transposeW ? c * inner + i : i * columns + c)]!;
          }
          y[(batch * rows + r) * columns + c] = total;
        }
      }
    });
    return y;
  },
};

export const matmulLeft: Definition<"matmulLeft"> = {
  isEntrywise: false,
  shape([x], [w], { transposeW }) {
    checkBatch(x!, w!);
    const [rows, inner] = lastTwo(w!, transposeW);
    if (x!.at(-2) !== inner) throw new Error(`[${w}]${transposeW ? "ᵀ" : ""} times [${x}]`);
    return [...x!.slice(0, -2), rows, x!.at(-1)!];
  },
  transpose: (l, ct, { operands, attributes }) => [l.matmulLeft(operands[0]!, ct, !attributes.transposeW)],
  emit(e, { operands, attributes }) {
    return e.fromFull(e.node("MatMul", [operandMatrix(e, operands[0]!.shape, attributes.transposeW), e.fullInput()]));
  },
  evaluate({ inputs, operands, output, attributes: { transposeW } }, [x], [w]) {
    const [rows, inner] = lastTwo(operands[0]!.shape, transposeW);
    const columns = output.shape.at(-1)!;
    const y = new Float64Array(sizeOf(output.shape));
    operandOffsets(inputs[0]!.shape, operands[0]!.shape).forEach((offset, batch) => {
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++) {
          let total = 0;
          for (let i = 0; i < inner; i++) {
            total += w![offset + (transposeW ? i * rows + r : r * inner + i)]! * x![(batch * inner + i) * columns + c]!;
          }
          y[(batch * rows + r) * columns + c] = total;
        }
      }
    });
    return y;
  },
};
