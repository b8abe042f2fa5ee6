import { openSync } from "node:fs";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeModel } from "../../src/onnx/index.ts";
import { hasNobody, nobody } from "../support/privileges.ts";
import { pushforward, start } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({
    "net.onnx": writeModel(convnet()),
    "x.npy": randomNpy([1, 12, 12]),
    "shut/x.npy": randomNpy([1, 12, 12]),
    "shut/net.onnx": writeModel(convnet()),
    "hidden.onnx": "",
    "hidden.npy": "",
  });
  for (const name of ["loop.npy", "loop.onnx"]) await symlink(name, place.path(name));
  await chmod(place.folder, 0o755);
  await chmod(place.path("shut"), 0o700);
  for (const name of ["hidden.onnx", "hidden.npy"]) await chmod(place.path(name), 0o600);
});
afterAll(() => place.remove());

const quick = ["--taps", "conv1", "-k", "3", "--no-plan"];

describe("says what the system means", () => {
  const tooLong = `${"x".repeat(300)}.npy`;
  test.each([
    { args: ["net.onnx", "loop.npy"], at: "loop.npy", what: "The links on this path lead round in a circle." },
    { args: ["loop.onnx", "x.npy"], at: "loop.onnx", what: "The links on this path lead round in a circle." },
    {
      args: ["net.onnx", tooLong],
      at: tooLong,
      what: "A name on this path is longer than the file system allows.",
    },
    {
      args: ["net.onnx", "x.npy/y.npy"],
      at: "x.npy/y.npy",
      what: "There is no such file: a part of this path is a file, not a folder.",
    },
  ])("of $at", async ({ args, at, what }) => {
    const { code, stdout, stderr } = await pushforward(["spectrum", ...args, ...quick], { cwd: place.folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.split("\n").slice(0, 2)).toEqual([`error: ${what}`, `  at  file ${at}`]);
  });

  test.skipIf(process.platform !== "linux")("of standard output on a full device (skipped: no /dev/full)", async () => {
    const full = openSync("/dev/full", "w");
    const command = ["spectrum", "net.onnx", "x.npy", ...quick, "--json", "--out", "full"];
    const { code, stderr } = await start(command, { cwd: place.folder, stdout: full }).outcome;
    expect(code).toBe(2);
    expect(stderr.split("\n").slice(-4)).toEqual([
      "error: The disk is full.",
      "  at  file standard output",
      "  do  Make room and give the same command again: finished work is kept.",
      "",
    ]);
    const again = await pushforward(command, { cwd: place.folder });
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining("note: 1 of 1 units are done already") });
  });

  test("of a tap with a name too long for a folder: it is stored under a shorter one", async () => {
    const name = "block/".repeat(50);
    const net = convnet();
    const renamed = net.graph.nodes.map((node) => ({
      ...node,
      outputs: node.outputs.map((output) => (output === "flat" ? name : output)),
      inputs: node.inputs.map((input) => (input === "flat" ? name : input)),
    }));
    await place.put("long.onnx", writeModel({ ...net, graph: { ...net.graph, nodes: renamed } }));
    const command = ["spectrum", "long.onnx", "x.npy", "--taps", name, "-k", "3", "--no-plan", "--out", "long"];
    expect(await pushforward(command, { cwd: place.folder })).toMatchObject({ code: 0 });
    expect(await place.list("long/taps")).toEqual([expect.stringMatching(/^block~2f.*~~[0-9a-f]{32}$/), "zarr.json"]);
    expect(await pushforward(["report", "long"], { cwd: place.folder })).toMatchObject({ code: 0 });
  });
});

describe.skipIf(!hasNobody)("without permission (skipped: needs root and setpriv)", () => {
  const asNobody = (...args: readonly string[]) => pushforward(args, { cwd: place.folder, under: nobody });
  const noReading = "There is no permission to read this, or to enter a folder on the way to it.";
  const fixReading = "  do  Change its permissions, or run as a user who has them.";
  const fixWriting = "  do  Change the permissions there, or choose another folder.";

  test("to write, nothing is left", async () => {
    await mkdir(place.path("locked"), { mode: 0o755 });
    const { code, stdout, stderr } = await asNobody("spectrum", "net.onnx", "x.npy", ...quick, "--out", "locked/run");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.split("\n").filter((line) => !line.startsWith("note: "))).toEqual([
      "error: There is no permission to write here.",
      expect.stringContaining(`  at  file ${place.path("locked", "run")}/`),
      fixWriting,
      "",
    ]);
    expect(await place.list("locked")).toEqual([]);
  });

  test.each([
    { what: "the model", file: "hidden.onnx", args: ["hidden.onnx", "x.npy"] },
    { what: "the input", file: "hidden.npy", args: ["net.onnx", "hidden.npy"] },
    { what: "the folder of the model", file: "shut/net.onnx", args: ["shut/net.onnx", "x.npy"] },
    { what: "the folder of the input", file: "shut/x.npy", args: ["net.onnx", "shut/x.npy"] },
    { what: "a folder of inputs", file: "shut", args: ["net.onnx", "shut"] },
  ])("to read $what", async ({ file, args }) => {
    expect(await asNobody("spectrum", ...args, "--out", "unreadable")).toEqual({
      code: 2,
      stdout: "",
      stderr: [`error: ${noReading}`, `  at  file ${file}`, `${fixReading}\n`].join("\n"),
    });
    expect(await place.list()).not.toContain("unreadable");
  });

  test("to read a folder below: it is told, and the others are computed", async () => {
    await place.put("mixed/a.npy", randomNpy([1, 12, 12]));
    await place.put("mixed/lost+found/b.npy", randomNpy([1, 12, 12]));
    await chmod(place.path("mixed", "lost+found"), 0o700);
    const { code, stdout, stderr } = await asNobody(
      "spectrum",
      "net.onnx",
      "mixed",
      ...quick,
      "--preprocess",
      "none",
      "--json",
    );
    expect(code).toBe(2);
    expect(stderr).toContain(`error: ${noReading}\n  at  file mixed/lost+found\n`);
    expect(JSON.parse(stdout)).toMatchObject({ input: "a", tap: "conv1", k: 3 });
  });

  test("to write a report, or to read its run", async () => {
    const made = await pushforward(["spectrum", "net.onnx", "x.npy", ...quick, "--out", "others"], {
      cwd: place.folder,
    });
    expect(made.code).toBe(0);
    expect(await asNobody("report", "others")).toEqual({
      code: 2,
      stdout: "",
      stderr: [
        "error: There is no permission to write here.",
        `  at  file ${place.path("others", "report.html")}`,
        `${fixWriting}\n`,
      ].join("\n"),
    });
    await writeFile(place.path("others", "zarr.json"), "", { mode: 0o600, flag: "a" });
    await chmod(place.path("others"), 0o700);
    expect(await asNobody("report", "others")).toEqual({
      code: 2,
      stdout: "",
      stderr: [`error: ${noReading}`, `  at  file ${place.path("others", "zarr.json")}`, `${fixReading}\n`].join("\n"),
    });
  });
});
