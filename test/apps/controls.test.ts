import { cp } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { createRng } from "../../src/base/index.ts";
import { readNpy, writeNpy } from "../../src/images/npy.ts";
import { writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun, openStudyRun } from "../../src/results/index.ts";
import { type Outcome, pushforward, start } from "./command-line.ts";
import { digits } from "./digits.ts";
import { convnet, logNet, lowRankNet, recurrentNet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

const names = ["a", "b", "c"];
let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "net.onnx": writeModel(convnet()),
    "initial.onnx": writeModel(convnet({ seed: 1 })),
    "wider.onnx": writeModel(convnet({ size: 14 })),
    "other.onnx": writeModel(lowRankNet()),
    ...Object.fromEntries(names.map((name, i) => [`in/${name}.npy`, randomNpy([1, 12, 12], i)])),
  });
});
afterAll(() => place.remove());

const run = (...args: readonly string[]): Promise<Outcome> => pushforward(args, { cwd: place.folder });
const spectra = (out: string, ...more: readonly string[]) => [
  ...["study", "spectra", "net.onnx", "in", "--taps", "relu1,logits", "-k", "5", "--vectors", "2", "--quick"],
  ...["--out", out, ...more],
];
const study = async (folder: string) => openStudyRun(new DirectoryStore(place.path(folder, "spectra")));
const matched = ["--control", "matched", "--draws", "2"];
/** What two runs of the same numbers may differ in: time spent, and the date. */
const beside = /(^|\/)seconds\/c\/|(^|\/)zarr\.json$|^studies\.html$|\.unfinished-/;

describe("study --control", () => {
  let outcome: Outcome;
  beforeAll(async () => {
    outcome = await run(
      ...spectra("out", "--control", "permuted", "--control", "gaussian,initial=initial.onnx", "--draws", "2"),
    );
  });

  test("measures the network, and then draw by draw every kind", () => {
    expect(outcome).toMatchObject({ code: 0, stdout: "out/studies.html\n" });
    const order = [...outcome.stderr.matchAll(/^\[6\/6\] (.*)spectra: tap logits, image c/gm)].map(([, name]) => name);
    const controls = ["permuted 1/2", "gaussian 1/2", "initial", "permuted 2/2", "gaussian 2/2"];
    expect(order).toEqual(["", ...controls.map((name) => `${name}: `)]);
  });

  test("says beforehand what the controls take, and that few draws decide nothing", () => {
    expect(outcome.stderr).toMatch(/^note: the study spectra of the network and 5 controls, .* on disk$/m);
    expect(outcome.stderr).toContain(
      "note: differences from the controls will be undecided, as a verdict on one needs at least 6 draws (--draws)\n",
    );
  });

  test("stores each control in a folder like that of the network", async () => {
    expect(await place.list("out/controls")).toEqual(["gaussian", "initial", "permuted"]);
    for (const [kind, draws] of [
      ["gaussian", 2],
      ["initial", 1],
      ["permuted", 2],
    ] as const) {
      expect(await place.list(`out/controls/${kind}`)).toEqual(["1", "2"].slice(0, draws));
      for (let draw = 1; draw <= draws; draw++) {
        expect(await place.list(`out/controls/${kind}/${draw}`)).toEqual(["control.json", "run", "spectra"]);
      }
    }
  });

  test("its manifests name the control, and the classes that the control itself predicts", async () => {
    const trained = (await study("out")).manifest;
    const drawn = (await study("out/controls/gaussian/2")).manifest;
    const initial = (await study("out/controls/initial/1")).manifest;
    expect(trained.model.control).toBeUndefined();
    expect(drawn.model).toEqual({ ...trained.model, control: { kind: "gaussian", seed: 0, draw: 2 } });
    expect(initial.model).toMatchObject({ file: "initial.onnx", control: { kind: "initial" } });
    expect(initial.model.sha256).not.toBe(trained.model.sha256);
    for (const key of ["params", "axes", "cell", "seed", "spectra", "preprocess"] as const) {
      expect(drawn[key]).toEqual(trained[key]);
    }
    const stored = await openRun(new DirectoryStore(place.path("out/controls/initial/1/run")));
    expect(stored.manifest.model).toEqual(initial.model);
    const network = await openModel(place.path("initial.onnx"));
    try {
      for (const [i, name] of names.entries()) {
        const { data } = readNpy((await place.bytes("in")).get(`${name}.npy`)!, name);
        const [scores] = await network.forward(data, [network.output]);
        const largest = String(scores!.indexOf(Math.max(...scores!)));
        expect(initial.inputs[i]!.predicted).toBe(largest);
        expect(stored.manifest.inputs[i]!.predicted).toBe(largest);
      }
    } finally {
      await network.close();
    }
    const predictions = ({ inputs }: typeof trained) => inputs.map(({ predicted }) => predicted).join();
    expect(predictions(initial)).not.toBe(predictions(trained));
  });

  test("control.json says how the weights were drawn", async () => {
    const json = JSON.parse((await place.bytes("out/controls/permuted/2")).get("control.json")!.toString()) as unknown;
    expect(json).toMatchObject({
      kind: "permuted",
      seed: 0,
      draw: 2,
      layers: [
        { op: "Conv", weights: "w1", entries: 36 },
        { op: "Conv", weights: "w2", entries: 216 },
        { op: "MatMul", weights: "w3", entries: 2160 },
      ],
    });
  });

  test("the same command computes nothing again", async () => {
    const before = await place.bytes("out");
    const again = await run(...spectra("out", "--control", "permuted,gaussian,initial=initial.onnx", "--draws", "2"));
    expect(again.code).toBe(0);
    expect(again.stderr).not.toMatch(/^\[\d\/\d\] (permuted|gaussian|initial)/m);
    expect(again.stderr).not.toMatch(/ on disk$/m);
    expect(await place.bytes("out")).toEqual(before);
  });

  test("more draws and kinds are added to what is stored, which stays", async () => {
    const before = await place.bytes("out/controls");
    const more = await run(...spectra("out", "--control", "permuted-filters,permuted", "--draws", "3"));
    expect(more.code).toBe(0);
    const measured = [...more.stderr.matchAll(/^\[6\/6\] (\S+ \d\/3)/gm)].map(([, name]) => name);
    expect(measured).toEqual(["permuted-filters 1/3", "permuted-filters 2/3", "permuted-filters 3/3", "permuted 3/3"]);
    expect(more.stderr).toMatch(/^note: the study spectra of the network and 6 controls, /m);
    const after = await place.bytes("out/controls");
    expect([...before].filter(([file, bytes]) => !bytes.equals(after.get(file)!)).map(([file]) => file)).toEqual([]);
  });

  test("a draw has the same numbers as in another run, and as the file that `control` writes", async () => {
    const control = await run("control", "net.onnx", "--kind", "permuted", "--draw", "2", "--out", "permuted-2.onnx");
    expect(control).toMatchObject({ code: 0, stdout: "permuted-2.onnx\n" });
    expect(control.stderr).toBe("note: 2,412 weights of 3 layers were drawn\n");
    const args = ["--taps", "relu1,logits", "-k", "5", "--vectors", "2", "--out", "of-file"];
    expect((await run("spectrum", "permuted-2.onnx", "in", ...args)).code).toBe(0);
    const [ofStudy, ofFile] = await Promise.all(
      ["out/controls/permuted/2/run", "of-file"].map((folder) => place.bytes(folder, beside)),
    );
    const numbers = [...ofStudy!].filter(([file]) => /^(sigma|residual|taps|source|predicted)\//.test(file));
    expect(numbers.length).toBeGreaterThan(20);
    expect(numbers.filter(([file, bytes]) => !bytes.equals(ofFile!.get(file)!)).map(([file]) => file)).toEqual([]);
    const other = await place.bytes("out/controls/permuted/1/run", beside);
    expect(other.get("sigma/c/0/1/0")).not.toEqual(ofStudy!.get("sigma/c/0/1/0"));
  });

  test("a folder of another control is refused, and what differs is said", async () => {
    const command = spectra("mixed", "--control", "permuted", "--draws", "1");
    expect((await run(...command)).code).toBe(0);
    await cp(place.path("out/controls/gaussian/2"), place.path("mixed/controls/gaussian/1"), { recursive: true });
    const before = await place.bytes("mixed");
    const refused = await run(...spectra("mixed", "--control", "gaussian", "--draws", "1"));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("control: stored gaussian, seed 0, draw 2, asked gaussian, seed 0, draw 1.");
    expect(await place.bytes("mixed")).toEqual(before);
  });
});

test("an interrupted command goes on in the middle of a control, and ends with the same numbers", async () => {
  const controls = ["--control", "permuted,permuted-filters", "--draws", "2"];
  expect((await run(...spectra("whole", ...controls))).code).toBe(0);
  const running = start(spectra("parts", ...controls), { cwd: place.folder });
  await running.shown(/^\[2\/6\] permuted 2\/2: /gm, 1);
  running.child.kill("SIGINT");
  const { code, stderr } = await running.outcome;
  expect(code).toBe(130);
  expect(stderr).toContain("error: The command was interrupted. Finished work is stored.\n");
  const rest = await run(...spectra("parts", ...controls));
  expect(rest.code).toBe(0);
  expect(rest.stderr).not.toMatch(/^\[\d\/6\] permuted(-filters)? 1\/2: /m);
  expect(rest.stderr).toMatch(/^\[6\/6\] permuted-filters 2\/2: /m);
  const [whole, parts] = [await place.bytes("whole/controls", beside), await place.bytes("parts/controls", beside)];
  expect([...parts.keys()]).toEqual([...whole.keys()]);
  expect([...whole].filter(([file, bytes]) => !bytes.equals(parts.get(file)!)).map(([file]) => file)).toEqual([]);
}, 120_000);

test("pictures in the results of controls are not taken as inputs", async () => {
  const inputs = ["study", "spectra", "net.onnx", ".", "--taps", "logits", "-k", "2", "--quick", "--out", "all"];
  await cp(place.path("in/a.npy"), place.path("all/controls/permuted/1/a.npy"), { recursive: true });
  const outcome = await run(...inputs, "--control", "permuted", "--draws", "1");
  expect(outcome.code).toBe(0);
  expect((await study("all")).manifest.inputs.map(({ name }) => name)).toEqual(names);
});

test("the example, matched: every layer has the trained activity, and the file of `control` has the same numbers", async () => {
  const [model, ...inputs] = digits;
  const labels = inputs.indexOf("--labels");
  const pictures = inputs.slice(0, labels);
  const settings = ["--taps", "pool1,logits", "-k", "12"];
  const measured = await run(
    "study",
    "vectors",
    model!,
    ...inputs,
    ...settings,
    "--quick",
    "--out",
    "digits",
    ...matched,
  );
  expect(measured.code).toBe(0);
  const files = await place.bytes("digits/controls/matched/2", beside);
  const { layers } = JSON.parse(files.get("control.json")!.toString()) as {
    layers: { gain: number; trained: number; reached: number }[];
  };
  expect(layers).toHaveLength(6);
  for (const { gain, trained, reached } of layers) {
    expect(gain).toBeGreaterThan(0);
    expect(Math.abs(reached / trained - 1)).toBeLessThan(0.01);
  }
  const written = await run(
    "control",
    model!,
    ...pictures,
    "--kind",
    "matched",
    "--draw",
    "2",
    "--out",
    "matched.onnx",
  );
  expect(written.code).toBe(0);
  expect((await run("spectrum", "matched.onnx", ...inputs, ...settings, "--out", "matched")).code).toBe(0);
  const ofFile = await place.bytes("matched", beside);
  const numbers = [...files].filter(([file]) => /^run\/(sigma|residual|taps|predicted)\//.test(file));
  expect(numbers.length).toBeGreaterThan(20);
  const different = numbers.filter(([file, bytes]) => !bytes.equals(ofFile.get(file.replace("run/", ""))!));
  expect(different.map(([file]) => file)).toEqual([]);
});

test("a draw that cannot be made and cells that fail do not end the command", async () => {
  await place.put("log.onnx", writeModel(logNet()));
  const rng = createRng(0, "near one");
  for (const name of names) {
    const data = Float32Array.from({ length: 4 }, () => 1 + 0.05 * rng.gaussian());
    await place.put(`near/${name}.npy`, writeNpy({ shape: [4], data }));
  }
  const draws = [1, 2, 3, 4, 5, 6];
  const command = ["study", "spectra", "log.onnx", "near", "--out", "log", "--quick", "--control", "permuted,matched"];
  const { code, stderr } = await run(...command);
  expect(code).toBe(2);
  const failed = draws.filter((draw) =>
    stderr.includes(`of the study spectra of the control permuted ${draw}/6 failed; the same command tries again\n`),
  );
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(6);
  // matched is permuted with gains, so the same draws are not finite.
  const unmade = draws.filter((draw) => stderr.includes(`error: the control matched ${draw}/6 could not be made: `));
  expect(unmade).toEqual(failed);
  for (const draw of draws) {
    const { manifest, failures } = await study(`log/controls/permuted/${draw}`);
    const taps = new Set(failures.map(({ cell }) => manifest.axes.tap![cell[0]!]));
    expect([...taps]).toEqual(failed.includes(draw) ? ["logs", "y"] : []);
  }
  const made = draws.filter((draw) => !failed.includes(draw)).map(String);
  expect(await place.list("log/controls/matched")).toEqual(made);
  expect(stderr).toMatch(/^\[9\/9\] matched \d\/6: spectra: tap y, image c$/m);
});

test("a kind that the graph does not allow is tried once", async () => {
  await place.put("recurrent.onnx", writeModel(recurrentNet()));
  for (const [i, name] of names.entries()) await place.put(`series/${name}.npy`, randomNpy([3, 1, 4], i));
  const command = ["study", "spectra", "recurrent.onnx", "series", "--taps", "relu", "--quick", "--out", "recurrent"];
  const { code, stderr } = await run(...command, "--control", "matched,permuted", "--draws", "2");
  expect(code).toBe(2);
  const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatch(/^error: no control matched can be made: The weights of a recurrent cell have no gain/);
  expect(await place.list("recurrent/controls")).toEqual(["permuted"]);
  expect(await place.list("recurrent/controls/permuted")).toEqual(["1", "2"]);
});

const noteless = (stderr: string) => stderr.replace(/^note: .*\n/gm, "");

describe("what is refused", () => {
  const did = "The controls are permuted, permuted-filters, gaussian, matched, initial=FILE.onnx.";
  test.each([
    [["--control", "matchd"], `There is no control "matchd".`, "--control", `Did you mean "matched"? ${did}`],
    [["--control", "permuted,"], 'There is no control "".', "--control", did],
    [["--control", "zzz"], 'There is no control "zzz".', "--control", did],
    [
      ["--control", "initial"],
      "The control initial is the network before its training, and its file is not given.",
      "--control",
      "Give its file: --control initial=FILE.onnx.",
    ],
    [
      ["--control", "matched=x.onnx"],
      "The control matched is drawn at random and takes no file.",
      "--control",
      "Use --control matched.",
    ],
    [
      ["--control", "permuted", "--control", "gaussian,permuted"],
      "The control permuted is given twice.",
      "--control",
      "Give each kind of control once.",
    ],
    [
      ["--control", "permuted", "--draws", "0"],
      '"0" is not a whole number of at least 1.',
      "--draws",
      "For example: --draws 100.",
    ],
    [
      ["--draws", "6"],
      "There is no control to draw.",
      "--draws",
      "Add --control with one of permuted, permuted-filters, gaussian, matched, or leave out --draws.",
    ],
  ])("%j", async (options, what, option, fix) => {
    const { code, stderr } = await run(...spectra("refused", ...options));
    expect(code).toBe(2);
    expect(noteless(stderr)).toBe(`error: ${what}\n  at  option ${option}\n  do  ${fix}\n`);
  });

  test.each([
    ["net.onnx", "The network before its training is the trained network itself."],
    [
      "wider.onnx",
      "The graph of the network before its training differs from that of net.onnx: its tap 1 is picture (Input, 1×14×14), and that of " +
        "the trained network is picture (Input, 1×12×12).",
    ],
    [
      "other.onnx",
      "The graph of the network before its training differs from that of net.onnx: its tap 1 is x (Input, 8), and that of the trained " +
        "network is picture (Input, 1×12×12).",
    ],
    ["nowhere.onnx", "There is no such file."],
  ])("initial=%s", async (file, what) => {
    const { code, stderr } = await run(...spectra("refused", "--control", `initial=${file}`));
    expect(code).toBe(2);
    expect(stderr).toContain(`error: ${what}\n`);
    expect(stderr).toContain(file);
    expect(await place.list()).not.toContain("refused");
  });

  test("`control` over its own network, and `matched` without inputs", async () => {
    const over = await run("control", "net.onnx", "--kind", "permuted", "--out", "./net.onnx");
    expect(over).toMatchObject({ code: 2, stdout: "" });
    expect(over.stderr).toContain("error: The control would be written over the network itself.\n");
    const without = await run("control", "net.onnx", "--kind", "matched", "--out", "matched.onnx");
    expect(without).toMatchObject({ code: 2, stdout: "" });
    expect(without.stderr).toContain("error: The control matched needs inputs");
    const unknown = await run("control", "net.onnx", "--kind", "initial", "--out", "x.onnx");
    expect(unknown.stderr).toBe(
      'error: There is no control "initial".\n  at  option --kind\n  do  The controls are permuted, permuted-filters, gaussian, matched.\n',
    );
  });
});
