import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { findInputs } from "../../src/apps/node/find-inputs.ts";
import { labelInputs } from "../../src/apps/node/labels.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun } from "../../src/results/index.ts";
import { pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

let place: Workplace;
let said = "";
beforeEach(async () => {
  place = await createWorkplace({});
  said = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await place.remove();
});

/** The labels of the files of a folder, in their order. */
async function labelsOf(files: readonly string[], labels?: Uint8Array | string) {
  for (const name of files) await place.put(`in/${name}`, "");
  if (labels !== undefined) await place.put("l.tsv", labels);
  const found = await findInputs([place.path("in")]);
  return (await labelInputs(labels === undefined ? undefined : place.path("l.tsv"), found)).labels;
}

describe("from a table", () => {
  test("rows that match no input, and inputs without a row, are counted", async () => {
    expect(await labelsOf(["a.png", "b.png", "c.png"], "a.png\tcat\nx.png\tdog\ny.png\tdog\n")).toEqual([
      "cat",
      undefined,
      undefined,
    ]);
    expect(said.split("\n")).toEqual([
      `note: 2 of 3 rows of ${place.path("l.tsv")} match no input, for example "x.png".`,
      `note: 2 of 3 inputs have no row in ${place.path("l.tsv")}, for example ${place.path("in/b.png")}.`,
      "",
    ]);
  });

  test("where all match, nothing is said", async () => {
    const rows = `${place.path("in/sub/a.png")}\tcat\nb.png\tdog\n`;
    expect(await labelsOf(["sub/a.png", "sub/b.png"], rows)).toEqual(["cat", "dog"]);
    expect(said).toBe("");
  });

  test("no match at all is a warning", async () => {
    expect(await labelsOf(["a.png"], "x.png\tcat\n")).toEqual([undefined]);
    expect(said).toMatch(/^warning: 1 of 1 rows /);
  });

  test("Latin-1 is read with a warning", async () => {
    const rows = Uint8Array.from("caf\u00e9.png\tant\n", (letter) => letter.charCodeAt(0));
    expect(await labelsOf(["cafe\u0301.png"], rows)).toEqual(["ant"]);
    expect(said).toMatch(/^warning: .* is not in UTF-8\./);
  });

  test("one in the folder that is named counts for its sub-folders", async () => {
    await place.put("in/labels.tsv", "x/a.png\tant\ny/a.png\tbee\n");
    expect(await labelsOf(["x/a.png", "y/a.png"])).toEqual(["ant", "bee"]);
    await place.put("in/x/labels.tsv", "a.png\tcat\n"); // beside the first input
    expect((await labelsOf(["x/a.png", "y/a.png"]))[0]).toBe("cat");
  });

  test("one beside the inputs is found", async () => {
    await place.put("in/labels.tsv", "\uFEFFa.png\tcat\r\n");
    expect(await labelsOf(["a.png"])).toEqual(["cat"]);
  });
});

describe("from folders", () => {
  test.each([
    { files: ["cat/1.png", "cat/black/2.png", "dog/1.png"], labels: ["cat", "cat", "dog"] },
    { files: ["train/cat/1.png", "train/dog/1.png", "val/cat/2.png"], labels: ["cat", "dog", "cat"] },
    { files: ["0.png", "cat/1.png", "dog/1.png"], labels: [undefined, "cat", "dog"] },
    { files: ["all/1.png", "all/2.png"], labels: [undefined, undefined] },
    { files: ["1.png", "train/2.png", "val/3.png"], labels: [undefined, undefined, undefined] },
    { files: ["cafe\u0301/1.png", "dog/1.png"], labels: ["caf\u00e9", "dog"] },
    { files: ["x/n02389026_sorrel.JPEG", "y/1.png"], labels: ["sorrel", "y"] },
  ])("$files are $labels", async ({ files, labels }) => {
    expect(await labelsOf(files)).toEqual(labels);
    expect(said.includes("are taken as the classes of the inputs")).toBe(labels.some((label) => label !== undefined));
  });
});

describe("the store and the report", () => {
  const run = async (...args: readonly string[]) =>
    pushforward(["spectrum", "net.onnx", "in", "--taps", "conv1", "-k", "1", "--no-plan", "--out", "run", ...args], {
      cwd: place.folder,
    });
  const records = async () => (await openRun(new DirectoryStore(place.path("run")))).manifest.inputs;
  beforeEach(async () => {
    await place.put("net.onnx", writeModel(convnet()));
    for (const [i, folder] of ["ant", "bee"].entries())
      await place.put(`in/${folder}/${i}.npy`, randomNpy([1, 12, 12], i));
  });

  test("no verdict without a list of classes", async () => {
    expect((await run()).code).toBe(0);
    const stored = await records();
    expect(stored.map(({ label }) => label)).toEqual(["ant", "bee"]);
    for (const record of stored) expect(record).not.toHaveProperty("isRight");
    expect((await pushforward(["report", "run"], { cwd: place.folder })).code).toBe(0);
    expect(await readFile(place.path("run", "report.html"), "utf8")).not.toMatch(/[✓✗]/);
  });

  test("a list of another length than the output is refused where it is asked for, and left out where it lies there", async () => {
    await place.put("three.txt", "ant\nbee\ncat\n");
    const { code, stderr } = await run("--labels", "three.txt");
    expect(code).toBe(2);
    expect(stderr).toContain("error: The list has 3 classes, but the network gives 10 scores.");
    await place.put("in/ant/labels.tsv", "ant\nbee\ncat\n");
    const beside = await run();
    expect(beside.code).toBe(0);
    expect(beside.stderr).toContain("warning: The list has 3 classes, but the network gives 10 scores.");
    for (const { predicted } of await records()) expect(predicted).toMatch(/^\d$/);
  });
});
