import { createHash } from "node:crypto";
import { mkdir, rename } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun } from "../../src/results/index.ts";
import { pushforward } from "./command-line.ts";
import { convnet, withWeightsApart } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

const { model, data } = withWeightsApart("net.onnx.data");
/** One weight of w2 is another number. */
const otherWeights = Uint8Array.from(data);
new DataView(otherWeights.buffer).setFloat32(8, 0.25, true);
/** The padding between the weights is. */
const otherPadding = Uint8Array.from(data);
otherPadding[data.length - 1] = 1;

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({ "net.onnx": model, "net.onnx.data": data, "plain.onnx": writeModel(convnet()) });
  for (const i of [0, 1, 2]) await place.put(`in/${i}.npy`, randomNpy([1, 12, 12], i));
});
afterAll(() => place.remove());

const run = (...args: readonly string[]) => pushforward(args, { cwd: place.folder });
const quick = ["--taps", "relu1,logits", "-k", "3"];

async function identityOf(name: string) {
  const network = await openModel(place.path(name));
  await network.close();
  return network.identity;
}

describe("a model is known by its content", () => {
  test("without external data by the plain hash of its file", async () => {
    const sha256 = createHash("sha256").update(writeModel(convnet())).digest("hex");
    expect(await identityOf("plain.onnx")).toEqual({ sha256 });
  });

  test("with external data by all that is read of it, and by that alone", async () => {
    const identity = await identityOf("net.onnx");
    expect(identity.fileSha256).toBe(createHash("sha256").update(model).digest("hex"));
    expect(identity.sha256).not.toBe(identity.fileSha256);
    await mkdir(place.path("copy"), { recursive: true });
    await place.put("copy/moved.onnx", model);
    await place.put("copy/net.onnx.data", otherPadding);
    expect(await identityOf("copy/moved.onnx")).toEqual(identity);
    await place.put("copy/net.onnx.data", otherWeights);
    expect((await identityOf("copy/moved.onnx")).sha256).not.toBe(identity.sha256);
    expect((await identityOf("copy/moved.onnx")).fileSha256).toBe(identity.fileSha256);
  });

  test("so that another checkpoint beside the same file is refused, and the first goes on", async () => {
    const command = ["spectrum", "net.onnx", "in", ...quick, "--no-plan", "--out", "checkpoints"];
    expect((await run(...command)).code).toBe(0);
    const before = await place.bytes("checkpoints");
    await place.put("net.onnx.data", otherWeights);
    const other = await run(...command);
    expect(other.code).toBe(2);
    expect(other.stderr.split("\n")[0]).toMatch(
      /^error: This folder contains another run\. model: stored net\.onnx \(\w{12}\), asked net\.onnx \(\w{12}\)\.$/,
    );
    expect(await place.bytes("checkpoints")).toEqual(before);
    await place.put("net.onnx.data", data);
    expect(await run(...command)).toMatchObject({ code: 0, stderr: expect.stringContaining("6 of 6 units are done") });
  });

  test("and a run that knows its file alone, as earlier ones did, is refused with the reason", async () => {
    const command = ["spectrum", "net.onnx", "in", ...quick, "--no-plan", "--out", "earlier"];
    expect((await run(...command)).code).toBe(0);
    const store = new DirectoryStore(place.path("earlier"));
    const { manifest } = await openRun(store);
    const root = JSON.parse(new TextDecoder().decode(await store.get("/zarr.json")));
    root.attributes.model = { file: "net.onnx", sha256: manifest.model.fileSha256 };
    await store.set("/zarr.json", new TextEncoder().encode(JSON.stringify(root)));
    const { code, stderr } = await run(...command);
    expect(code).toBe(2);
    expect(stderr).toContain("an earlier version stored the hash of net.onnx alone");
    expect(stderr).toContain("another folder with --out");
  });

  test("in studies too, whatever the paths of files are", async () => {
    const study = (file: string, inputs: string) =>
      run("study", "trajectory", file, inputs, "--taps", "logits", "--out", "studies");
    expect((await study("net.onnx", "in")).code).toBe(0);
    const before = await place.bytes("studies");
    expect((await study("./net.onnx", "./in")).code).toBe(0);
    await rename(place.path("in"), place.path("moved"));
    expect((await study(place.path("net.onnx"), "moved")).code).toBe(0);
    await rename(place.path("moved"), place.path("in"));
    expect(await place.bytes("studies")).toEqual(before);
    await place.put("net.onnx.data", otherWeights);
    const other = await study("net.onnx", "in");
    expect(other.code).toBe(2);
    expect(other.stderr).toContain("model: stored net.onnx (");
    await place.put("net.onnx.data", data);
  });
});

describe("a command with more inputs", () => {
  test("goes on with the run of the others, keeps what is done, and gives the numbers of a new run", async () => {
    const command = (out: string, inputs: string) => [
      "spectrum",
      "plain.onnx",
      inputs,
      ...[...quick, "--no-plan", "--json", "--out", out],
    ];
    for (const i of [1, 3]) await place.put(`more/${i}.npy`, randomNpy([1, 12, 12], i));
    expect((await run(...command("grown", "more"))).code).toBe(0);
    const sigma = /^sigma\/c\/[01]\//;
    const done = [...(await place.bytes("grown"))].filter(([file]) => sigma.test(file));
    for (const i of [0, 2]) await place.put(`more/${i}.npy`, randomNpy([1, 12, 12], i));

    const grown = await run(...command("grown", "more"));
    expect(grown).toMatchObject({ code: 0, stderr: expect.stringContaining("note: 4 of 8 units are done already") });
    expect([...(await place.bytes("grown"))].filter(([file]) => sigma.test(file))).toEqual(done);
    const whole = await run(...command("whole", "more"));
    const numbers = ({ stdout }: { stdout: string }) =>
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => ({ ...JSON.parse(line), seconds: 0 }))
        .sort((a, b) => (`${a.input} ${a.tap}` < `${b.input} ${b.tap}` ? -1 : 1));
    expect(numbers(grown)).toEqual(numbers(whole));
    expect(await run("report", "grown")).toMatchObject({ code: 0 });

    const fewer = await run(...command("grown", "more/1.npy"));
    expect(fewer.code).toBe(2);
    expect(fewer.stderr).toMatch(/input "3" \(\w{12}\) is stored and is not asked for/);
  });
});
