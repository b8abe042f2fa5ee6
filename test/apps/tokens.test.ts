import { describe, expect, test } from "vitest";
import { writeNpy } from "../../src/images/npy.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { llamaOf } from "../reference/llama.ts";
import { languageModel, TOKENS } from "../studies/language-model.ts";
import { sharedDir, withoutShared } from "../support/shared.ts";
import { jacobiSingularValues } from "../support/spectra.ts";
import { readStories } from "../support/stories.ts";
import { pushforward } from "./command-line.ts";
import { createWorkplace } from "./workplace.ts";

const [TOKEN, WIDTH, K] = [7, 64, 16];
/** Differences in float64 leave 1e-9 of rounding and of the curvature. */
const STEP = 1e-5;

test("spectrum between the states of one token: 16 certified σ are those of differences of the network's definition", {
  timeout: 120_000,
}, async ({ skip }) => {
  skip(sharedDir === undefined, withoutShared);
  const { file, model, ids } = await readStories();
  const data = Float32Array.from(ids.slice(0, 12));
  const place = await createWorkplace({ "text.npy": writeNpy({ shape: [1, data.length], data }) });
  try {
    const [from, to] = [`block0.out[0,${TOKEN}]`, `block4.out[0,${TOKEN}]`];
    const asked = ["spectrum", file, "text.npy", "--shape", `1,${data.length}`, "--from", from, "--at", to];
    const outcome = await pushforward([...asked, "-k", String(K), "--json"], { cwd: place.folder });
    expect(outcome.stderr).not.toContain("error");
    expect(outcome.code).toBe(0);
    const { sigma, residual, status, missed, ...unit } = JSON.parse(outcome.stdout);
    expect(unit).toMatchObject({ from, tap: to, m: WIDTH, n: WIDTH, k: K });
    expect(status).toEqual(Array.from({ length: K }, () => "converged"));
    expect(residual.every((one: number) => one <= 1e-5 * sigma[0])).toBe(true);
    expect(missed.kind).toBe("exact");

    const llama = llamaOf(model);
    const states = llama.run(llama.embed(ids.slice(0, TOKEN + 1)), 0, 1);
    const lastAt = (column: number, step: number) => {
      const moved = states.map((state) => state.slice());
      moved[TOKEN]![column]! += step;
      return llama.run(moved, 1, llama.blocks)[TOKEN]!;
    };
    const dense = new Float64Array(WIDTH * WIDTH);
    for (let column = 0; column < WIDTH; column++) {
      const [after, before] = [lastAt(column, STEP), lastAt(column, -STEP)];
      after.forEach((entry, row) => {
        dense[row * WIDTH + column] = (entry - before[row]!) / (2 * STEP);
      });
    }
    const expected = jacobiSingularValues(dense, WIDTH, WIDTH);
    sigma.forEach((value: number, i: number) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6 * expected[0]!);
    });
  } finally {
    await place.remove();
  }
});

describe("study lens", () => {
  const names = [" a", "", "\n", ",", "<b>"];
  const taps = ["--taps", "state0,state1,state2", "-k", "3", "--out", "out"];
  const text = (...ids: readonly number[]) => writeNpy({ shape: [1, ids.length], data: Float32Array.from(ids) });

  test("reads ids of tokens, and names of tokens from JSON; the page tells texts, tables and figures", async () => {
    const place = await createWorkplace({
      "net.onnx": writeModel(languageModel({ reads: "ids" })),
      "texts/a.npy": text(0, 4, 2, 3),
      "texts/b.npy": text(1, 1, 0, 2),
      "names.json": JSON.stringify(names),
    });
    try {
      const asked = ["study", "lens", "net.onnx", "texts", "--shape", `1,${TOKENS}`, "--labels", "names.json", ...taps];
      const outcome = await pushforward([...asked, "--control", "permuted", "--draws", "1"], { cwd: place.folder });
      expect(outcome.stderr).not.toMatch(/error|lack of images/);
      expect(outcome).toMatchObject({ code: 0, stdout: "out/studies.html\n" });
      const figures = ["spectra", "contribution"].flatMap((id) => [`lens-${id}.png`, `lens-${id}.svg`]);
      const files = ["controls", "lens", "lens-by-tap.csv", "lens-tokens.csv", "studies.html", ...figures];
      expect(await place.list("out")).toEqual(files.sort());
      const written = await place.bytes("out");
      const page = written.get("studies.html")!.toString();
      expect(page).toContain("2 texts");
      expect(page).not.toContain("held against the data");
      expect(page).toContain("&quot;\\n&quot;");
      const [head, ...rows] = written.get("lens-by-tap.csv")!.toString().trim().split("\n");
      expect(head).toMatch(/^tap,σ₁,"?σ₁, low/);
      expect(rows.map((row) => row.split(",")[0])).toEqual(["state0", "state1"]);
      expect((await pushforward(asked, { cwd: place.folder })).code).toBe(0);
    } finally {
      await place.remove();
    }
  });

  test("other studies move the input, and refuse ids", async () => {
    const place = await createWorkplace({
      "net.onnx": writeModel(languageModel({ reads: "ids" })),
      "a.npy": text(0, 4, 2, 3),
    });
    try {
      const asked = ["study", "trajectory", "net.onnx", "a.npy", "--shape", `1,${TOKENS}`, "--out", "out"];
      const { code, stderr } = await pushforward(asked, { cwd: place.folder });
      expect(code).toBe(2);
      expect(stderr).toContain("the input ids of this network holds no floats");
    } finally {
      await place.remove();
    }
  });
});
