import { describe, expect, test } from "vitest";
import {
  createRun,
  describeMismatch,
  MemoryStore,
  openRun,
  type RunManifest,
  sameRun,
} from "../../src/results/index.ts";
import { encodeName } from "../../src/results/layout.ts";
import { exampleManifest as manifest } from "./example-run.ts";

const other = (changes: Partial<RunManifest>): RunManifest => ({ ...manifest, ...changes });
const [first, second] = manifest.inputs;

describe("describeMismatch", () => {
  test.each([
    { asked: manifest, why: "is the same" },
    { asked: other({ created: "tomorrow" }), why: "was created later" },
    { asked: other({ model: { ...manifest.model, file: "moved/net.onnx" } }), why: "has its model moved" },
    { asked: other({ inputs: [{ ...first!, file: "b.png", label: "dog", failed: "x" }, second!] }), why: "has notes" },
    { asked: other({ inputs: [second!, first!] }), why: "has its inputs in another order" },
    { asked: other({ inputs: [first!, { ...second!, name: "x", sha256: "03" }, second!] }), why: "has more inputs" },
    { asked: other({ preprocess: { ...manifest.preprocess, name: "renamed" } }), why: "has its preset renamed" },
    { asked: JSON.parse(JSON.stringify(manifest)) as RunManifest, why: "went through JSON" },
    {
      asked: other({
        preprocess: { settings: { mean: [0.5], crop: [4, 4] }, unit: "full-scale pixel", name: "imagenet" },
      }),
      why: "has its settings in another order",
    },
  ])("finds nothing where the run $why", ({ asked }) => {
    expect(describeMismatch(manifest, asked)).toEqual([]);
    expect(sameRun(manifest, asked)).toBe(true);
  });

  test.each([
    {
      asked: other({ model: { file: "b.onnx", sha256: "bb".repeat(32) } }),
      lines: ["model: stored net.onnx (aaaaaaaaaaaa), asked b.onnx (bbbbbbbbbbbb)"],
    },
    {
      asked: other({ model: { ...manifest.model, control: { kind: "matched", seed: 0, draw: 3 } } }),
      lines: ["control: stored none, asked matched, seed 0, draw 3"],
    },
    {
      asked: other({ model: { ...manifest.model, control: { kind: "initial" } } }),
      lines: ["control: stored none, asked initial"],
    },
    {
      asked: other({ given: [{ name: "sr", type: "int64", shape: [], sha256: "cc".repeat(32), value: 16000 }] }),
      lines: ['value of input "sr": stored none, asked 16000 (int64, scalar)'],
    },
    { asked: other({ k: 5, seed: 1 }), lines: ["k: stored 6, asked 5", "seed: stored 0, asked 1"] },
    { asked: other({ tol: 1e-6 }), lines: ["tol: stored 0.00001, asked 0.000001"] },
    { asked: other({ vectors: "all" }), lines: ["vectors: stored 2, asked all"] },
    { asked: other({ solver: "dense" }), lines: ["solver: stored block-krylov, asked dense"] },
    { asked: other({ backend: "web" }), lines: ["backend: stored cpu, asked web"] },
    {
      asked: other({ versions: { pushforward: "0.2.0", zarrita: "0.7.0" } }),
      lines: ["version of pushforward: stored 0.1.0, asked 0.2.0"],
    },
    { asked: other({ inputs: [first!] }), lines: ['input "höhle/2" (020202020202) is stored and is not asked for'] },
    {
      asked: other({ model: { file: "a.onnx", sha256: "bb".repeat(32), fileSha256: manifest.model.sha256 } }),
      lines: [expect.stringMatching(/^model: an earlier version stored the hash of net.onnx alone/)],
    },
    {
      asked: other({ taps: [manifest.taps[0]!, { ...manifest.taps[1]!, k: 5 }, manifest.taps[2]!] }),
      lines: ["tap 2: stored block/relu 1 (t2, 5×2×2, k 6), asked block/relu 1 (t2, 5×2×2, k 5)"],
    },
    {
      asked: other({ from: { ...manifest.from, tensor: "x" } }),
      lines: ["from tensor: stored data, asked x"],
    },
    {
      asked: other({ preprocess: { ...manifest.preprocess, settings: { crop: [5, 5] } } }),
      lines: [
        "preprocess settings crop: stored [4, 4], asked [5, 5]",
        "preprocess settings mean: stored [0.5], asked none",
      ],
    },
  ])("says $lines", ({ asked, lines }) => {
    expect(describeMismatch(manifest, asked)).toEqual(lines);
    expect(sameRun(manifest, asked)).toBe(false);
  });
});

describe("a mean image", () => {
  const withMean = (file: string, sha256?: string) => {
    const mean = { file, shape: [3, 4, 4], pixel: [1, 2, 3], ...(sha256 === undefined ? {} : { sha256 }) };
    return other({ preprocess: { ...manifest.preprocess, settings: { mean } } });
  };

  test("counts by its content, whatever its path", () => {
    expect(sameRun(withMean("mean.npy", "aa"), withMean("./other.npy", "aa"))).toBe(true);
    expect(sameRun(withMean("mean.npy", "aa"), withMean("mean.npy", "bb"))).toBe(false);
  });

  test("of an earlier version, which has no hash, by its mean pixel", () => {
    expect(sameRun(withMean("mean.npy"), withMean("mean.npy", "aa"))).toBe(true);
  });
});

test("no input is added to the run of a matched control, whose weights depend on all of them", () => {
  const of = (kind: string, inputs = manifest.inputs) =>
    other({ inputs, model: { ...manifest.model, control: { kind, seed: 0, draw: 1 } } });
  const more = [...manifest.inputs, { ...first!, name: "new", sha256: "03".repeat(32) }];
  expect(describeMismatch(of("matched"), of("matched", more))).toEqual([
    'input "new" (030303030303) is not stored, and the weights of a matched control depend on all inputs',
  ]);
  expect(sameRun(of("matched"), of("matched", [second!, first!]))).toBe(true);
  expect(sameRun(of("permuted"), of("permuted", more))).toBe(true);
});

describe("createRun", () => {
  test("refuses a store that holds another run, and leaves it alone", async () => {
    const store = new MemoryStore();
    await createRun(store, manifest);
    await expect(createRun(store, other({ k: 5, seed: 3 }))).rejects.toMatchObject({
      code: "store-mismatch",
      what: "This folder contains another run. k: stored 6, asked 5; seed: stored 0, asked 3.",
      where: { file: "memory" },
      fix: expect.stringContaining("--out"),
    });
    expect((await openRun(store)).manifest).toEqual(manifest);
  });

  test("refuses a store that holds other files, another Zarr store, or a later format", async () => {
    const encode = (value: object) => new TextEncoder().encode(JSON.stringify(value));
    const photos = new MemoryStore();
    await photos.set("/photos/a.jpg", Uint8Array.of(1));
    await expect(createRun(photos, manifest)).rejects.toMatchObject({
      code: "store-mismatch",
      what: "This folder is not empty, but it does not contain a run. It contains photos/a.jpg.",
    });
    const zarr = new MemoryStore();
    await zarr.set("/zarr.json", encode({ zarr_format: 3, node_type: "group", attributes: {} }));
    await expect(openRun(zarr)).rejects.toMatchObject({
      code: "store-mismatch",
      what: expect.stringMatching("is not a run"),
    });
    await zarr.set("/zarr.json", new TextEncoder().encode("{ broken"));
    await expect(createRun(zarr, manifest)).rejects.toMatchObject({
      code: "store-mismatch",
      what: expect.stringMatching("is not a run"),
    });
    await zarr.set("/zarr.json", encode({ attributes: { ...manifest, formatVersion: 4 } }));
    await expect(openRun(zarr)).rejects.toMatchObject({ what: "This run is of format 4, not 1 to 3." });
  });

  test("refuses to open nothing", async () => {
    await expect(openRun(new MemoryStore())).rejects.toMatchObject({
      code: "file-unreadable",
      where: { file: "memory" },
    });
  });

  test.each([
    { wrong: other({ inputs: [] }), what: "A run needs at least one input." },
    { wrong: other({ taps: [] }), what: "A run needs at least one tap." },
    { wrong: other({ inputs: [first!, first!] }), what: 'Two inputs of a run are called "cat".' },
    {
      wrong: other({ taps: [{ ...manifest.taps[2]!, k: 5 }] }),
      what: "k is 5, but for a tap of 4 and a source of 3×4×4 it must be from 1 to 4.",
    },
  ])("refuses: $what", async ({ wrong, what }) => {
    await expect(createRun(new MemoryStore(), wrong)).rejects.toMatchObject({ what });
  });
});

test.each([
  ["conv1", "conv1"],
  ["layer1.0.out", "layer1.0.out"],
  ["fire9/concat 1", "fire9~2fconcat~201"],
  ["~", "~7e"],
  ["..", "~2e~2e"],
  ["__x", "~5f_x"],
  ["höhle", "h~c3~b6hle"],
])("the name %s is %s in a key", (name, key) => {
  expect(encodeName(name)).toBe(key);
});

describe("a name that is longer than a folder's may be", () => {
  const long = `encoder/${"block/".repeat(45)}out`; // 281 characters

  test("is cut in a key, and ends in its hash by FNV-1a", () => {
    const key = encodeName(long);
    expect(key.length).toBeLessThanOrEqual(255);
    expect(key).toMatch(/^encoder~2fblock~2f/);
    expect(key).toMatch(/~~[0-9a-f]{32}$/);
    // Computed with Python's integers by the definition at http://www.isthe.com/chongo/tech/comp/fnv/.
    expect(encodeName("a".repeat(256)).slice(-32)).toBe("007018d18f76871d279f3ac1732bd68d");
  });

  test("has a key that no other name has", () => {
    const names = Array.from({ length: 1000 }, (_, i) => `${long}${i}`);
    expect(new Set(names.map(encodeName)).size).toBe(1000);
    expect(encodeName(encodeName(long))).not.toBe(encodeName(long));
  });

  test("of 255 characters is as it was", () => {
    expect(encodeName("a".repeat(255))).toBe("a".repeat(255));
  });
});
