import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeModel } from "../../src/onnx/index.ts";
import { pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, differences, randomNpy, type Workplace } from "./workplace.ts";

const SIZE = 8;
const inputs = ["a.npy", "b.npy", "c.npy", "d.npy", "e.npy"];
const SHARDS = ["0/3", "1/3", "2/3"];
/** What two stores of the same numbers may differ in: seconds and the date. */
const beside = /(^|\/)seconds\/c\/|(^|\/)zarr\.json$|\.unfinished-|^(studies\.html|figures|tables)/;

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({ "net.onnx": writeModel(convnet({ size: SIZE })) });
  for (const [seed, name] of inputs.entries()) await place.put(name, randomNpy([1, SIZE, SIZE], seed));
});
afterAll(() => place.remove());

const expectSame = async (out: string, whole: string) =>
  expect(await differences(place, whole, out, beside)).toEqual([]);

describe("shards of a command that start in one folder at once", () => {
  test("compute every unit once, with the bytes of one command", async () => {
    const command = (out: string, ...rest: string[]) => ["spectrum", "net.onnx", ...inputs, "--out", out, ...rest];
    expect((await pushforward(command("whole"), { cwd: place.folder })).code).toBe(0);
    const run = (shard: string) => pushforward(command("parts", "--shard", shard), { cwd: place.folder });
    const outcomes = await Promise.all(SHARDS.map(run));
    expect(outcomes.map(({ code, stderr }) => [code, stderr.match(/^\[\d+\/10\] /gm)?.length])).toEqual(
      SHARDS.map(() => [0, 10]),
    );
    await expectSame("parts", "whole");
    expect((await pushforward(command("parts"), { cwd: place.folder })).stderr).toContain(
      "30 of 30 units are done already",
    );
  });

  test("measure every cell of a study once, and the last one writes the page", async () => {
    const command = (out: string, ...rest: string[]) => [
      ...["study", "vectors", "net.onnx", ...inputs, "--quick", "-k", "5", "--out", out],
      ...rest,
    ];
    expect((await pushforward(command("study"), { cwd: place.folder })).code).toBe(0);
    const [first, ...others] = SHARDS.map(
      (shard) => () => pushforward(command("study-parts", "--shard", shard), { cwd: place.folder }),
    );
    expect(await first!()).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringContaining("left to other shards"),
    });
    const rest = await Promise.all(others.map((run) => run()));
    expect(rest.map(({ code }) => code)).toEqual([0, 0]);
    expect(rest.map(({ stdout }) => stdout).join("")).toContain("studies.html");
    await expectSame("study-parts", "study");
  });

  test.each(["3/3", "-1/3", "1", "1/0", "a/b"])("refuses the shard %s", async (shard) => {
    const { code, stderr } = await pushforward(["spectrum", "net.onnx", "a.npy", "--shard", shard], {
      cwd: place.folder,
    });
    expect(code).toBe(2);
    expect(stderr).toContain("is not a shard: its number from 0, and how many there are");
  });
});
