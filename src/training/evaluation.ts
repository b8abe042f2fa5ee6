import type { OnnxModel } from "../onnx/index.ts";
import type { Backend, Executable } from "../runtime/index.ts";
import type { Architecture, Weights } from "./architecture.ts";
import { Batches } from "./batches.ts";
import { classesOf } from "./classify.ts";
import { countOf, type DataSet } from "./data-set.ts";
import { evaluationGraph } from "./graphs.ts";
import { type Loss, losses, lossName } from "./losses.ts";

/** How many examples are evaluated at a time. */
const BATCH = 500;

/** What a network gives on examples that it is not trained on. */
export interface Score {
  readonly loss: number;
  /** The share of examples that were classified correctly; absent if the loss has no targets or they are no classes. */
  readonly accuracy?: number;
}

/** A part of the examples, and the graph for as many. */
interface Part {
  readonly indices: readonly number[];
  readonly batches: Batches;
  readonly output: string;
  readonly executable: Executable;
}

/** The loss of a network on examples, without dropout and without shifts, compiled once for any weights. */
export class Evaluation {
  readonly #parts: readonly Part[];
  readonly #data: DataSet;
  readonly #loss: Loss;

  private constructor(parts: readonly Part[], data: DataSet, loss: Loss) {
    this.#parts = parts;
    this.#data = data;
    this.#loss = loss;
  }

  /** @throws PushforwardError as `trainingGraph`; `shape-mismatch` if the examples do not fit the network */
  static async compile(backend: Backend, net: Architecture, loss: Loss, data: DataSet): Promise<Evaluation> {
    const count = countOf(data);
    const compiled = new Map<number, Omit<Part, "indices">>();
    const parts: Part[] = [];
    for (let from = 0; from < count; from += BATCH) {
      const indices = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => from + i);
      const graph = evaluationGraph(net, { batch: indices.length, loss });
      const { output } = graph;
      const known = compiled.get(indices.length) ?? {
        batches: new Batches(graph, data),
        output,
        executable: await backend.compile(withOutput(graph.model.onnx, output)),
      };
      compiled.set(indices.length, known);
      parts.push({ indices, ...known });
    }
    return new Evaluation(parts, data, loss);
  }

  async at(weights: Weights): Promise<Score> {
    const { over, hasTarget } = losses[lossName(this.#loss)];
    const { targets } = this.#data;
    const hasClasses = hasTarget && targets.kind === "labels";
    const count = countOf(this.#data);
    let [loss, right] = [0, 0];
    for (const { indices, batches, output, executable } of this.#parts) {
      const results = await executable.run({ ...batches.plain(indices), ...Object.fromEntries(weights) }, [
        "loss",
        output,
      ]);
      const share = over === "mean" ? indices.length / count : 1;
      loss += share * Number(results.loss!.data[0]);
      if (hasClasses) {
        const found = classesOf(results[output]!.data as Float32Array, indices.length);
        right += indices.filter((index, i) => found[i] === targets.labels[index]).length;
      }
    }
    return hasClasses ? { loss, accuracy: right / count } : { loss };
  }

  async release(): Promise<void> {
    for (const executable of new Set(this.#parts.map((part) => part.executable))) await executable.release();
  }
}

function withOutput(model: OnnxModel, name: string): OnnxModel {
  const { graph } = model;
  return { ...model, graph: { ...graph, outputs: [...graph.outputs, { name, type: "float32", shape: undefined }] } };
}
