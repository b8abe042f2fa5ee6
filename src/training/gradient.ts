import { appendProduct, linearize } from "../autodiff/index.ts";
import { PushforwardError, sizeOf } from "../base/index.ts";
import { buildModel, type Model, type Tensor } from "../onnx/index.ts";
import { type Backend, evaluateWith } from "../runtime/index.ts";

/** A scalar of a graph and its gradient, compiled into one graph. */
export interface Gradient {
  /**
   * The value of the scalar at these inputs of the graph. The gradient is written to `by`.
   *
   * @throws PushforwardError `not-finite` if the scalar is not finite
   */
  at(inputs: Readonly<Record<string, Tensor>>): Promise<number>;
  /** Derivatives by tensor name, in the tensor's shape; overwritten by the next `at`. */
  readonly by: ReadonlyMap<string, Float32Array>;
  release(): Promise<void>;
}

export interface GradientOptions {
  /** The scalar's tensor. */
  readonly of: string;
  /** The tensors with respect to which to differentiate: inputs of the graph, including weights. */
  readonly by: readonly string[];
}

/**
 * The gradient of a scalar: the transposed derivative applied to the cotangent 1. The primal pass and the derivative form one graph,
 * so that kept values never leave the backend. The gradient is zero for a tensor that the scalar does not depend on.
 *
 * @throws PushforwardError `op-unsupported` naming every node without a rule
 */
export async function compileGradient(backend: Backend, model: Model, { of, by }: GradientOptions): Promise<Gradient> {
  const linearization = await linearize(model, { sources: by, targets: [of] }, evaluateWith(backend));
  const { graph: pass, opsets } = linearization.primal;
  const { graph, products } = appendProduct(linearization, "gradient", pass, [of]);
  const executable = await backend.compile(buildModel(graph, opsets));

  const gradient = new Map(by.map((name) => [name, new Float32Array(sizeOf(model.values.get(name)!.shape))]));
  const written = by.flatMap((name, i) =>
    products[i] === undefined ? [] : [[products[i], gradient.get(name)!] as const],
  );
  return {
    by: gradient,
    async at(inputs) {
      const results = await executable.run(inputs, [of, ...written.map(([name]) => name)]);
      for (const [name, derivative] of written) derivative.set(results[name]!.data as Float32Array);
      const value = Number(results[of]!.data[0]);
      if (Number.isFinite(value)) return value;
      throw new PushforwardError("not-finite", {
        what: `"${of}" is ${value}.`,
        fix: "Lower the learning rate, or look for inputs that are not finite.",
      });
    },
    release: () => executable.release(),
  };
}
