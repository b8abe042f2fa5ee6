import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openStudyRun, type StudyManifest } from "../../src/results/index.ts";
import { readStudy, type StudyData } from "../../src/studies/index.ts";
import { hasXarray, python, withoutXarray } from "../support/python.ts";
import { pushforward } from "./command-line.ts";
import { digitNames, quickly } from "./digits.ts";
import { createWorkplace, type Workplace } from "./workplace.ts";

const script = fileURLToPath(new URL("open-study.py", import.meta.url));

interface OpenedArray {
  readonly dims: readonly string[];
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly values: readonly unknown[];
}

interface Opened {
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly coords: Readonly<Record<string, OpenedArray>>;
  readonly variables: Readonly<Record<string, OpenedArray>>;
  readonly picked: readonly (number | null)[];
  /** Whether a netCDF file made of the study gives it back; null where Python has no netCDF4. */
  readonly netcdf: boolean | null;
}

const nulls = (values: Iterable<number>) => Array.from(values, (value) => (Number.isFinite(value) ? value : null));

describe.skipIf(!hasXarray())(`xarray (${withoutXarray})`, () => {
  let place: Workplace;
  let manifest: StudyManifest;
  let data: StudyData;
  let opened: Opened;
  /** The logits have 10 singular values; the axis has room for 16 from either end. */
  const places = [1, 10, 11, 32].map((vector) => ({ tap: "logits", image: "4-0025", vector }));

  beforeAll(async () => {
    place = await createWorkplace({});
    expect(await pushforward(["study", "vectors", ...quickly], { cwd: place.folder })).toMatchObject({ code: 0 });
    const folder = place.path("studies", "vectors");
    const run = await openStudyRun(new DirectoryStore(folder));
    [manifest, data] = [run.manifest, await readStudy(run)];
    const output = execFileSync(python, [script, folder, "sigma", JSON.stringify(places)], { encoding: "utf8" });
    opened = JSON.parse(output) as Opened;
  });
  afterAll(() => place.remove());

  test("opens a study by the labels of its axes", () => {
    expect(Object.keys(opened.coords).sort()).toEqual(["image", "tap", "vector"]);
    expect(opened.coords.tap).toEqual({ dims: ["tap"], attrs: { long_name: "tap" }, values: ["pool1", "logits"] });
    expect(opened.coords.image!.values).toEqual(digitNames);
    for (const [axis, labels] of Object.entries(data.axes)) expect(opened.coords[axis]!.values).toEqual(labels);
  });

  test("reads every variable with its dims, meaning, unit and numbers", () => {
    const { done, seconds, cell_failed: failed, ...variables } = opened.variables;
    const expected = Object.entries(manifest.variables).map(([name, { about, unit }]) => {
      const { dims, data: numbers } = data.values[name]!;
      return [name, { dims, attrs: { long_name: about, ...(unit && { units: unit }) }, values: nulls(numbers) }];
    });
    expect(variables).toEqual(Object.fromEntries(expected));
    expect(variables.area).toMatchObject({ dims: ["tap", "image", "vector"], attrs: { units: "share of pixels" } });
    expect(seconds!.attrs.units).toBe("s");
    for (const value of seconds!.values) expect(value).toBeGreaterThan(0);
    expect(failed).toMatchObject({ dims: ["tap", "image"], values: Array(8).fill("") });
    expect(done).toMatchObject({ dims: ["tap", "image"], values: Array(8).fill(true) });
  });

  test("selects by labels, and finds nothing where a spectrum has ended", () => {
    const sigma = data.values.sigma!.data.slice((4 + 2) * 32, (4 + 3) * 32); // second tap, third of four images
    expect(opened.picked).toEqual([sigma[0], sigma[9], null, null]);
    expect(sigma[0]).toBeGreaterThan(sigma[9]!);
  });

  test("shows the manifest", () => {
    const { seed, study, created, ...attrs } = opened.attrs;
    expect({ seed, study, created }).toEqual({ seed: 0, study: "vectors", created: manifest.created });
    for (const name of ["model", "inputs", "params", "axes", "cell", "variables"] as const) {
      expect(JSON.parse(String(attrs[name]))).toEqual(manifest[name]);
    }
  });

  test("writes a study as netCDF and reads it back as it was", (context) => {
    if (opened.netcdf === null) context.skip("skipped: no netCDF4 for Python");
    expect(opened.netcdf).toBe(true);
  });
});
