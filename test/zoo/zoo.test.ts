import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Network, openModel } from "../../src/apps/node/index.ts";
import { PushforwardError, sizeOf } from "../../src/base/index.ts";
import type { Tap } from "../../src/jacobian/index.ts";
import { readModel } from "../../src/onnx/index.ts";
import { relativeDistance } from "../laws/vectors.ts";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";

/** Rounding of the pass and of the products in float32, of networks with up to 40 layers. */
const SINGLE = 1e-4;
/** The weights have 10 or 7 digits after the point in binary; the references have those of the exporter's module. */
const HALF = 5e-2;

/** Networks that do not open yet, or whose products are not computed yet, with the reason; a network that passes must leave this list. */
const pending: Readonly<Record<string, string>> = {};

/** The shapes of inputs of which the file leaves extents open. */
const shapes: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  "bert_ids.legacy.onnx": { input_ids: [1, 8], attention_mask: [1, 8] },
  "bert_sdpa_dynd.fixed.onnx": { input: [1, 12, 32] },
};

/** The files of the folder, each with the prefix of its reference; `-` has none, and must only open. */
function networks(): [name: string, reference: string][] {
  if (sharedDir === undefined) return [];
  const lines = readFileSync(sharedPath("zoo", "index.tsv"), "utf8").trimEnd().split("\n").slice(1);
  return lines.map((line) => line.split("\t").slice(0, 2) as [string, string]);
}

const raw = (reference: string, part: string): ArrayBuffer => {
  const { buffer, byteOffset, byteLength } = readFileSync(sharedPath("zoo", `${reference}.${part}.bin`));
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
};

const isFloat = (type: string | undefined) => /float/.test(type ?? "");

/** The taps between which a reference is taken: the first input of floats and the first output of floats. */
async function ends(file: string, network: Network): Promise<{ from: Tap; to: Tap; tolerance: number }> {
  const { graph } = await readModel(readFileSync(file), { file });
  const input = graph.inputs.find(({ type }) => isFloat(type))!;
  const types = [...graph.inputs, ...graph.initializers.values()].map(({ type }) => type);
  const output = network.model.onnx.graph.outputs.find(({ type }) => isFloat(type))!;
  const isHalf = types.some((type) => type === "float16" || type === "bfloat16");
  return { from: network.tap(input.name), to: network.tap(output.name), tolerance: isHalf ? HALF : SINGLE };
}

/** Opens a network and compares it with its reference. */
async function check(name: string, reference: string): Promise<void> {
  const file = sharedPath("zoo", name);
  const network = await openModel(file, { inputShapes: shapes[name] ?? {} });
  try {
    if (reference === "-") return;
    const { from, to, tolerance } = await ends(file, network);
    const [x, v, u] = ["x", "v", "u"].map((part) => new Float32Array(raw(reference, part))) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const [y, Jv, Jtu] = ["y", "Jv", "Jtu"].map((part) => new Float64Array(raw(reference, part)));
    expect(x.length).toBe(sizeOf(from.shape));
    using J = await network.jacobian({ at: { [from.tensor]: x }, from, to });
    const found = { y: J.value, Jv: (await J.jvp(v)).data, Jtu: (await J.vjp(u)).data };
    expect(relativeDistance(found.y, y!)).toBeLessThan(tolerance);
    expect(relativeDistance(found.Jv, Jv!)).toBeLessThan(tolerance);
    expect(relativeDistance(found.Jtu, Jtu!)).toBeLessThan(tolerance);
  } finally {
    await network.close();
  }
}

describe("networks as exporters write them: J·v and Jᵀ·u are those of float64", () => {
  test.skipIf(sharedDir !== undefined)(withoutShared, ({ skip }) => skip(withoutShared));

  test.each(networks())("%s", { timeout: 120_000 }, async (name, reference) => {
    const reason = pending[name];
    if (reason === undefined) return check(name, reference);
    const failure = await check(name, reference).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(failure, `${name} passes now: take it from the list of pending networks (${reason})`).toBeDefined();
    expect(failure).toBeInstanceOf(PushforwardError);
  });
});
