import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeModel } from "../../src/onnx/index.ts";
import { pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

let place: Workplace;
beforeAll(async () => {
  const inputs = ["a", "b"].map((name, i) => [`in/${name}.npy`, randomNpy([1, 12, 12], i)]);
  place = await createWorkplace({ "net.onnx": writeModel(convnet()), ...Object.fromEntries(inputs) });
});
afterAll(() => place.remove());

const study = (name: string, ...inputs: readonly string[]) =>
  pushforward(
    [
      ...["study", name, "net.onnx", ...inputs, "--taps", "logits", "-k", "3", "--vectors", "2", "--quick"],
      ...["--control", "matched", "--draws", "1", "--out", "out"],
    ],
    { cwd: place.folder },
  );

test("studies of one folder do not mix matched controls of different inputs, nor controls with different weights", async () => {
  expect((await study("spectra", "in")).code).toBe(0);
  const stored = await place.bytes("out/controls");

  await place.put("more/c.npy", randomNpy([1, 12, 12], 2));
  const added = await study("vectors", "in", "more");
  expect(added.code).toBe(2);
  expect(added.stderr).toMatch(
    /input "c" \([0-9a-f]{12}\) is not stored, and the weights of a matched control depend on all inputs\./,
  );
  expect(await place.bytes("out/controls")).toEqual(stored);

  const record = stored.get("matched/1/control.json")!.toString();
  const { sha256 } = JSON.parse(record) as { sha256: string };
  const other = await pushforward(["control", "net.onnx", "in", "--kind", "matched", "--out", "matched.onnx"], {
    cwd: place.folder,
  });
  expect(other.code).toBe(0);
  const written = (await place.bytes(".")).get("matched.onnx")!;
  expect(createHash("sha256").update(written).digest("hex")).toBe(sha256);

  await place.put("out/controls/matched/1/control.json", record.replace(sha256, "0".repeat(64)));
  const changed = await study("vectors", "in");
  expect(changed.code).toBe(2);
  expect(changed.stderr).toContain(
    "error: This folder contains the results of a control with other weights than those that this command draws.\n",
  );
  expect(await place.list("out/controls/matched/1")).toEqual(["control.json", "run", "spectra"]);
});
