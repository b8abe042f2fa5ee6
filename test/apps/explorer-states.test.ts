import { afterAll, describe, expect, test } from "vitest";
import { Recent } from "../../src/apps/explorer/engine/recent.ts";
import { PushforwardError } from "../../src/base/index.ts";
import { writeNpy } from "../../src/images/index.ts";
import { connect, digitsNetwork, digitsPictures, exampleFile, given, nodeHost } from "./explorer-host.ts";
import { withWeightsApart } from "./networks.ts";

test("within a budget of bytes, what was used least recently is dropped", () => {
  const dropped: string[] = [];
  const recent = new Recent<string, string>(20, (value) => dropped.push(value));
  for (const key of ["a", "b"]) recent.set(key, key, 10);
  expect(recent.get("a")).toBe("a");
  recent.set("c", "c", 10);
  expect([dropped, recent.get("b"), recent.bytes]).toEqual([["b"], undefined, 20]);
  recent.set("large", "large", 100);
  expect([dropped, recent.get("large")]).toEqual([["b", "a", "c"], "large"]);
  recent.limit(1);
  expect(recent.bytes).toBe(100);
  recent.clear();
  expect([dropped.at(-1), recent.bytes]).toEqual(["large", 0]);
});

describe("errors", () => {
  const { client } = connect();
  afterAll(() => client.close());

  test("before a network is open", async () => {
    await expect(client.ask("spectrum", { picture: 1, k: 1 })).rejects.toMatchObject({
      code: "usage",
      what: "No network is open.",
      fix: "Open an ONNX file first.",
    });
  });

  test.each([
    [[exampleFile("labels.tsv")], "usage", "There is no ONNX file among these files."],
    [[given("a.onnx", ""), given("b.onnx", "")], "usage", "There are 2 networks among these files."],
    [[given("broken.onnx", "no model")], "model-invalid", /./],
    [[digitsNetwork[0]!, given("preset.json", "{")], "usage", /^This is not JSON/],
    [
      [digitsNetwork[0]!, given("preset.json", '{"mean":"a.npy","colour":"gray"}')],
      "file-unreadable",
      /which a page cannot read/,
    ],
  ])("files that open no network: %#", async (files, code, what) => {
    await expect(client.ask("open", { files })).rejects.toMatchObject({ code, what: expect.stringMatching(what) });
  });

  test("pictures, taps, vectors and directions that are not there", async () => {
    await client.ask("open", { files: digitsNetwork });
    const { pictures } = await client.ask("pictures", { files: digitsPictures(2) });
    const { picture } = pictures[0]!;
    const { spectrum } = await client.ask("spectrum", { picture, to: "logits", k: 2 });
    const wrong = [
      [() => client.ask("spectrum", { picture: 99, k: 1 }), "usage", /There is no picture 99/],
      [() => client.ask("spectrum", { picture, to: "nowhere", k: 1 }), "tap-unknown", /There is no tap "nowhere"/],
      [() => client.ask("spectrum", { picture, k: 0 }), "shape-mismatch", /k is 0/],
      [
        () => client.ask("vector", { spectrum, index: 2, side: "u" }),
        "usage",
        /There is no vector 2 in a spectrum of 2/,
      ],
      [() => client.ask("vector", { spectrum: 50, index: 0, side: "u" }), "usage", /There is no spectrum 50/],
      [() => client.ask("trajectory", {}), "usage", /at least 3 of them, and there are 2/],
      [() => client.ask("setPreprocess", { preset: "imagnet" }), "usage", /There is no preprocessing "imagnet"/],
      [() => client.ask("setPreprocess", { preset: "imagenet" }), "shape-mismatch", /imagenet/],
      [() => client.ask("setBudget", { bytes: 0 }), "usage", /The budget is 0 bytes/],
    ] as const;
    for (const [asked, code, what] of wrong) {
      await expect(asked()).rejects.toMatchObject({
        code,
        what: expect.stringMatching(what),
        fix: expect.stringMatching(/./),
      });
    }
    for (const [values, code] of [
      [new Float32Array(784), "usage"],
      [Float32Array.of(1), "shape-mismatch"],
    ] as const) {
      const step = client.ask("step", { picture, direction: { values }, epsilon: 1 });
      await expect(step).rejects.toMatchObject({ code });
    }
    // Two spectra of relu1 at once are more than this; only the newest stays.
    await client.ask("setBudget", { bytes: 40_000 });
    const [older, newer] = [
      await client.ask("spectrum", { picture, to: "relu1", k: 4 }),
      await client.ask("spectrum", { picture, to: "relu1", k: 4 }),
    ];
    await expect(client.ask("vector", { spectrum: older.spectrum, index: 0, side: "v" })).rejects.toMatchObject({
      what: "The vectors of this spectrum were dropped, because memory is limited.",
    });
    expect((await client.ask("vector", { spectrum: newer.spectrum, index: 0, side: "v" })).values).toHaveLength(784);
    expect(await client.ask("dispose", {})).toEqual({});
    await expect(client.ask("vector", { spectrum, index: 0, side: "u" })).rejects.toMatchObject({
      what: "No network is open.",
    });
  });

  test("without enough memory, and after a fault of the program", async () => {
    const failing = (error: Error) =>
      connect({
        ...nodeHost,
        openNetwork: () => Promise.reject(error),
      });
    const short = failing(new RangeError("Array buffer allocation failed"));
    await expect(short.client.ask("open", { files: digitsNetwork })).rejects.toMatchObject({
      code: "memory-short",
      what: "There was not enough memory: Array buffer allocation failed.",
    });
    expect(short.states).toMatchObject([{ kind: "short", fix: expect.stringMatching(/^Ask for fewer triplets/) }]);
    const faulty = failing(new TypeError("x is undefined"));
    await expect(faulty.client.ask("open", { files: digitsNetwork })).rejects.toMatchObject({
      code: "backend-failed",
      what: expect.stringMatching(/fault of Pushforward itself.*x is undefined/),
    });
    const told = failing(
      new PushforwardError("op-unsupported", { what: "No.", where: { op: "Foo" }, fix: "Leave it." }),
    );
    await expect(told.client.ask("open", { files: digitsNetwork })).rejects.toMatchObject({
      ...{ code: "op-unsupported", what: "No.", where: { op: "Foo" }, fix: "Leave it." },
    });
  });
});

test("a network whose opening is cancelled does not take the place of the one that is open", async () => {
  const { client } = connect();
  await client.ask("open", { files: digitsNetwork });
  const controller = new AbortController();
  const other = client.ask("open", { files: [digitsNetwork[0]!] }, { signal: controller.signal });
  controller.abort();
  await expect(other).rejects.toMatchObject({ code: "interrupted" });
  const { preprocessing } = await client.ask("pictures", { files: digitsPictures(1) });
  expect(preprocessing.reason).toMatch(/preprocess\.json/); // that of the first
  client.close();
});

test("weights in a file beside the model are found, also in a folder that was dropped", async () => {
  const { client } = connect();
  const { model, data } = withWeightsApart("net.onnx.data");
  const file = given("folder/net.onnx", model);
  const { classCount, sha256 } = await client.ask("open", { files: [given("folder/net.onnx.data", data), file] });
  expect(classCount).toBeGreaterThan(1);
  expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  await expect(client.ask("open", { files: [file] })).rejects.toMatchObject({ code: "external-data" });
  client.close();
});

test("without a preset a guess is used and said; another one prepares all pictures again, and arrays are taken as they are", async () => {
  const { client } = connect();
  const { preprocessing } = await client.ask("open", { files: [digitsNetwork[0]!] });
  expect(preprocessing).toMatchObject({ name: "levels/255", isUnsure: true });
  const data = Float32Array.from({ length: 784 }, (_, i) => (i % 256) / 255);
  const files = [
    given("7/a.npy", writeNpy({ shape: [1, 28, 28], data })),
    { ...digitsPictures(1)[0]!, name: "0/a.png" },
  ];
  const before = await client.ask("pictures", { files });
  expect(before.pictures.map(({ label }) => label)).toEqual(["7", "0"]);
  const seen: number[] = [];
  const onPartial = ({ picture }: { picture: number }) => seen.push(picture);
  const after = await client.ask("setPreprocess", { preset: "mnist" }, { onPartial });
  expect(seen).toEqual([1, 2]);
  expect(after.preprocessing).toMatchObject({ name: "mnist", isUnsure: false });
  const hashes = (answer: typeof after) => answer.pictures.map(({ sha256 }) => sha256);
  expect(hashes(after)[0]).toBe(hashes(before)[0]);
  expect(hashes(after)[1]).not.toBe(hashes(before)[1]);
  client.close();
});
