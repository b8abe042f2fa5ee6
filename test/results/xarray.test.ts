import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { createRun } from "../../src/results/index.ts";
import { encodeName } from "../../src/results/layout.ts";
import { hasXarray, python, withoutXarray } from "../support/python.ts";
import { exampleUnit, exampleManifest as manifest } from "./example-run.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
interface Described {
  readonly dims: Readonly<Record<string, number>>;
  readonly coords: readonly string[];
  readonly arrays: Readonly<Record<string, { readonly dims: readonly string[]; readonly values: readonly unknown[] }>>;
  readonly attrs: Readonly<Record<string, unknown>>;
}

interface Opened {
  readonly root: Described;
  readonly picked: number;
  readonly jvp: readonly unknown[];
  readonly status: Readonly<Record<string, unknown>>;
  readonly groups: Readonly<Record<string, Described>>;
  /** Names of what is in groups: through the root, and through the group's own metadata. */
  readonly members: Readonly<Record<string, readonly string[]>>;
  readonly alone: Readonly<Record<string, readonly string[]>>;
  /** What a netCDF file made of the run gives back; null where Python has no netCDF4. */
  readonly netcdf: { readonly attrs: object; readonly equal: boolean; readonly groups: object } | null;
}

const nulls = (values: Iterable<number>) => Array.from(values, (value) => (Number.isFinite(value) ? value : null));

describe.skipIf(!hasXarray())(`xarray (${withoutXarray})`, () => {
  let opened: Opened;
  let folder: string;
  const unit = exampleUnit(manifest, 1, 2);
  const deep = exampleUnit(manifest, 0, 1);
  const source = new Float32Array(48).map((_, i) => i / 8);
  const group = "taps/block~2frelu~201";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pushforward-xarray-"));
    const run = await createRun(new DirectoryStore(join(folder, "run")), manifest);
    await run.writeSource(1, source);
    await run.writeUnit(1, 2, unit);
    await run.writeUnit(0, 1, deep);
    await run.noteInput(0, { predicted: "dog" });
    await run.failUnit(0, 2, "√ at 0");
    const output = execFileSync(python, [join(here, "open-run.py"), join(folder, "run"), group], { encoding: "utf8" });
    opened = JSON.parse(output) as Opened;
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true }));

  test("opens a run as one labelled dataset, without a warning", () => {
    const { dims, coords, arrays } = opened.root;
    expect(dims).toEqual({ input: 2, tap: 3, k: 6, quantity: 15, source_0: 3, source_1: 4, source_2: 4 });
    expect(coords).toEqual(["failed", "input", "k", "label", "m", "n", "predicted", "quantity", "tap"]);
    expect(arrays.input).toEqual({ dims: ["input"], values: ["cat", "höhle/2"] });
    expect(arrays.tap).toEqual({ dims: ["tap"], values: ["conv1", "block/relu 1", "logits"] });
    expect(arrays.k).toEqual({ dims: ["k"], values: [1, 2, 3, 4, 5, 6] });
    expect(arrays.m?.values).toEqual([20, 20, 4]);
    expect(arrays.n?.values).toEqual([48, 48, 48]);
    expect(arrays.label?.values).toEqual(["cat", ""]);
    expect(arrays.predicted?.values).toEqual(["dog", ""]);
  });

  test("reads the numbers that were written, NaN and −1 where nothing was", () => {
    const { arrays } = opened.root;
    expect(opened.picked).toBe(unit.sigma[1]);
    expect(arrays.sigma?.dims).toEqual(["input", "tap", "k"]);
    expect(arrays.sigma?.values.slice(30)).toEqual([...unit.sigma, null, null]);
    expect(arrays.sigma?.values.slice(6, 12)).toEqual(nulls(deep.sigma));
    expect(arrays.sigma?.values.slice(12, 30)).toEqual(new Array(18).fill(null));
    expect(arrays.residual?.values.slice(30, 34)).toEqual(nulls(unit.residual));
    const words = String(opened.status.flag_meanings).split(" ");
    const codes = arrays.status?.values.slice(30) as number[];
    expect(codes.map((code) => words[code])).toEqual([...unit.status, undefined, undefined]);
    expect(arrays.done?.dims).toEqual(["input", "tap"]);
    const records = (arrays.done?.values ?? []).map((text) => (text === "" ? "" : JSON.parse(String(text)).machine));
    expect(records).toEqual(["", unit.machine, "", "", "", unit.machine]);
    expect(arrays.unit_failed).toEqual({ dims: ["input", "tap"], values: ["", "", "√ at 0", "", "", ""] });
    expect(opened.jvp).toEqual([null, deep.jvp, null, null, null, unit.jvp]);
    expect(arrays.numbers?.dims).toEqual(["input", "tap", "quantity"]);
    expect(arrays.seconds?.values).toEqual([null, deep.seconds, null, null, null, unit.seconds]);
    expect(arrays.source?.values).toEqual([...new Array(48).fill(null), ...source]);
  });

  test("shows the manifest", () => {
    const { k, tol, vectors, created, ...attrs } = opened.root.attrs;
    expect({ k, tol, vectors, created }).toEqual({ k: 6, tol: 1e-5, vectors: 2, created: manifest.created });
    for (const name of ["model", "from", "inputs", "taps", "preprocess", "versions"] as const) {
      expect(JSON.parse(String(attrs[name]))).toEqual(manifest[name]);
    }
  });

  test("finds in every group what is in it", () => {
    const vectors = ["input", "k", "u", "v"];
    expect(opened.members).toMatchObject({
      "": expect.arrayContaining(["sigma", "unit_failed", "taps"]),
      taps: manifest.taps.map(({ name }) => encodeName(name)).sort(),
      [group]: vectors,
    });
    expect(opened.alone).toEqual({ taps: opened.members.taps, [group]: vectors });
  });

  test("writes a run as netCDF and reads it back as it was", (context) => {
    if (opened.netcdf === null) context.skip("skipped: no netCDF4 for Python");
    expect(opened.netcdf).toEqual({ attrs: opened.root.attrs, equal: true, groups: { [group]: true } });
  });

  test("opens the vectors of a tap by its group", () => {
    const { dims, coords, arrays, attrs } = opened.groups[group]!;
    expect(dims).toEqual({ input: 2, vector: 4, tap_0: 5, tap_1: 2, tap_2: 2, source_0: 3, source_1: 4, source_2: 4 });
    expect(coords).toEqual(["input", "k"]);
    expect(attrs).toEqual({ tap: "block/relu 1" });
    expect(arrays.k).toEqual({ dims: ["input", "vector"], values: [1, 2, 5, 6, 0, 0, 0, 0] });
    expect(arrays.u?.values.slice(0, 80)).toEqual(Array.from(deep.vectors.u));
    expect(arrays.v?.values.slice(0, 192)).toEqual(Array.from(deep.vectors.v));
    expect(arrays.v?.values.slice(192)).toEqual(new Array(192).fill(null));
  });
});
