import { createRng, type Rng } from "../base/index.ts";
import type { Network, Tap } from "../jacobian/index.ts";
import type { Block } from "../operator/index.ts";

/** An input that a study may use. */
export interface LabInput {
  readonly name: string;
  readonly point: Float32Array;
}

/** What a study works with: a network, inputs and taps, and seeded randomness. */
export class Lab {
  readonly network: Network;
  readonly inputs: readonly LabInput[];
  /** In order of depth. */
  readonly taps: readonly Tap[];
  readonly seed: number;

  constructor(parts: Pick<Lab, "network" | "inputs" | "taps" | "seed">) {
    this.network = parts.network;
    this.inputs = parts.inputs;
    this.taps = parts.taps;
    this.seed = parts.seed;
  }

  /** What every input becomes at a tap, [inputs, tap size]. */
  async activations(tap: Tap): Promise<Block> {
    const rows = await this.network.forwardAll(
      this.inputs.map(({ point }) => point),
      tap,
    );
    const [first] = rows;
    const data = new Float32Array(rows.length * first!.length);
    rows.forEach((row, i) => {
      data.set(row, i * first!.length);
    });
    return { rows: rows.length, length: first!.length, data };
  }

  /** Random numbers that the seed and these labels fix. */
  rng(...labels: readonly (number | string)[]): Rng {
    return createRng(this.seed, ...labels);
  }
}
