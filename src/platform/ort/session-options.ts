import { type Graph, multipliesIntegers } from "../../onnx/index.ts";
import type { CompileOptions } from "../../runtime/index.ts";

/** How much ONNX Runtime optimizes a graph. */
export type Optimization = "all" | "extended" | "disabled";

/** From so many bytes of weights on, a graph is treated as a large one. */
const LARGE = 2 ** 26;

const bytesOf = (tensors: Graph["initializers"]): number =>
  [...tensors.values()].reduce((sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : 0), 0);

/** Whether the weights of a graph are so many that copies of them count. */
export const isLarge = ({ initializers }: Graph): boolean => bytesOf(initializers) >= LARGE;

/**
 * From so many nodes on, ONNX Runtime's optimizations of a graph take longer than they save: minutes for the steps of a long sequence,
 * because their time grows faster than the nodes. A graph that runs seldom has less to save.
 */
const MANY_NODES = { often: 2 ** 14, seldom: 2 ** 12 } as const;

/**
 * What runs once is not optimized; but products of integers are exact only with some optimizations, on the CPU of a computer.
 */
export function optimizationOf(graph: Graph, runs: Required<CompileOptions>["runs"]): Optimization {
  if (runs === "once") return multipliesIntegers(graph) ? "extended" : "disabled";
  return graph.nodes.length < MANY_NODES[runs] ? "all" : "disabled";
}

/** A session that is used once: its weights are not copied into other forms, and its memory is given back after a run. */
export const leanOptions = { graphOptimizationLevel: "disabled", enableCpuMemArena: false } as const;

/** Creates a session with the optimizations that are asked for; ONNX Runtime fails to optimize some graphs of which all tensors are asked for. */
export async function createOptimized<T>(level: Optimization, create: (level: Optimization) => Promise<T>): Promise<T> {
  return create(level).catch((cause: unknown) => {
    if (level === "extended") return create("disabled");
    throw cause;
  });
}
