import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeModel } from "../../src/onnx/index.ts";
import { type Outcome, pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

let place: Workplace;
beforeAll(async () => {
  const inputs = Object.fromEntries([0, 1, 2, 3].map((i) => [`in/${i}.npy`, randomNpy([1, 12, 12], i)]));
  const labels = "0.npy\ta\n1.npy\tb\n2.npy\ta\n3.npy\tb\n";
  place = await createWorkplace({
    "net.onnx": writeModel(convnet()),
    "other.onnx": writeModel(convnet({ seed: 1 })),
    "labels.tsv": labels,
    ...inputs,
  });
});
afterAll(() => place.remove());

const study = (...args: readonly string[]): Promise<Outcome> => pushforward(["study", ...args], { cwd: place.folder });

describe("study", () => {
  test("writes arrays, tables, figures and a page, and goes on where it was", async () => {
    const command = [
      "trajectory",
      "net.onnx",
      "in",
      "--labels",
      "labels.tsv",
      "--taps",
      "relu1,logits",
      "--out",
      "out",
    ];
    const first = await study(...command);
    expect(first.stderr).toMatch(/\[3\/3\] trajectory: tap logits/);
    expect(first).toMatchObject({ code: 0, stdout: "out/studies.html\n" });
    const files = ["correlation", "movement", "separation"].flatMap((chart) => [
      `trajectory-${chart}.png`,
      `trajectory-${chart}.svg`,
    ]);
    const expected = ["studies.html", "trajectory", "trajectory-by-tap.csv", "trajectory-claims.csv", ...files];
    expect(await place.list("out")).toEqual(expected.sort());
    const before = await place.bytes("out");
    expect((await study(...command)).code).toBe(0);
    expect(await place.bytes("out")).toEqual(before);
    const page = before.get("studies.html")!.toString();
    expect(page).toContain("How do images move through the layers");
    expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    const [head, ...rows] = before.get("trajectory-by-tap.csv")!.toString().trim().split("\n");
    expect(head!.split(",")[0]).toBe("tap");
    expect(rows.map((row) => row.split(",")[0])).toEqual(["picture", "relu1", "logits"]);
  });

  test("has its page made again by `report`, of the folder and of one study", async () => {
    const before = await place.bytes("out");
    for (const folder of ["out", "out/", "out/trajectory"]) {
      await rm(place.path("out", "studies.html"));
      const report = await pushforward(["report", folder], { cwd: place.folder });
      expect(report).toMatchObject({ code: 0, stdout: "out/studies.html\n" });
      expect(await place.bytes("out")).toEqual(before);
    }
  });

  test.each([
    [["dance", "net.onnx", "in", "--out", "x"], 'There is no study "dance".'],
    [
      ["trajectory", "net.onnx", "in/0.npy", "--out", "x"],
      "The study of trajectories needs at least 3 inputs, but there is only 1.",
    ],
    [["trajectory", "net.onnx", "in", "--out", "x", "--set", "a=1"], 'The study trajectory has no parameter "a".'],
    [
      ["trajectory", "net.onnx", "in", "--out", "out", "--taps", "relu1"],
      "This folder contains the study with other settings.",
    ],
    [
      ["trajectory", "other.onnx", "in", "--out", "out", "--labels", "labels.tsv", "--taps", "relu1,logits"],
      "This folder contains the study with other settings. model: stored net.onnx (",
    ],
  ])("%j is refused", async (args, message) => {
    const { code, stderr } = await study(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
