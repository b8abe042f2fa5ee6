import type { Shape } from "../../src/base/index.ts";
import type { Recipe } from "../../src/training/index.ts";

/** An auto-encoder of one sigmoid layer, whose decoder has the transposed weight, and how it is trained; data and length are the caller's. */
export const sigmoidAutoencoder = (input: Shape, units: number) =>
  ({
    network: {
      input,
      layers: [
        { kind: "dense", units },
        { kind: "sigmoid" },
        { kind: "dense", tied: "fc1", transposed: true },
        { kind: "sigmoid" },
      ],
    },
    initializer: { kind: "glorot", gain: 4, distribution: "uniform" },
    loss: "binaryCrossEntropy",
    optimizer: { kind: "adam", rate: 0.01 },
  }) as const satisfies Partial<Recipe>;
