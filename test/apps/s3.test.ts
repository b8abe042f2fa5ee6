import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { writeModel } from "../../src/onnx/index.ts";
import { S3Store } from "../../src/platform/node/s3-store.ts";
import type { Key } from "../../src/results/index.ts";
import { startFaultyS3 } from "../support/faulty-s3.ts";
import { environment, programs, type S3Server } from "../support/s3-servers.ts";
import { pushforward } from "./command-line.ts";
import { convnet } from "./networks.ts";
import { createWorkplace, randomNpy, type Workplace } from "./workplace.ts";

const SIZE = 8;
const inputs = ["a.npy", "b.npy", "c.npy"];
/** What two stores of the same numbers may differ in: seconds and the date. */
const beside = /(^|\/)seconds\/c\/|(^|\/)zarr\.json$|\.svg$|\.html$/;

let place: Workplace;
beforeAll(async () => {
  place = await createWorkplace({ "net.onnx": writeModel(convnet({ size: SIZE })) });
  for (const [seed, name] of inputs.entries()) await place.put(name, randomNpy([1, SIZE, SIZE], seed));
});
afterAll(() => place.remove());
const use = (endpoint: string) => {
  for (const [name, value] of Object.entries(environment(endpoint))) vi.stubEnv(name, value);
};
const command = (...args: readonly string[]) => pushforward(args, { cwd: place.folder });
const spectrum = (...rest: readonly string[]) => command("spectrum", "net.onnx", ...inputs, "-k", "4", ...rest);

/** Every object of a store with its bytes, but those of `beside`. */
async function objectsIn(address: string): Promise<Map<string, Buffer>> {
  const store = new S3Store(address);
  const keys: Key[] = [];
  for await (const key of store.list("/")) if (!beside.test(key)) keys.push(key);
  const read = keys.map(async (key) => [key.slice(1), Buffer.from((await store.get(key))!)] as const);
  return new Map(await Promise.all(read));
}

const [moto] = programs;
describe.skipIf(moto!.missing !== undefined)(`runs on S3 (${moto!.missing ?? "moto"})`, { timeout: 240_000 }, () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await moto!.start();
    use(server.endpoint);
    expect(await spectrum("--out", "whole")).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server.stop();
  });

  async function expectSame(address: string): Promise<void> {
    const [expected, found] = [await place.bytes("whole", beside), await objectsIn(address)];
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    const different = [...expected].filter(([file, bytes]) => !bytes.equals(found.get(file)!)).map(([file]) => file);
    expect(different).toEqual([]);
  }

  test("have the bytes of a run in a folder, are continued, and have a report", async () => {
    const address = "s3://bucket/runs/alone";
    const { code, stderr } = await spectrum("--out", `${address}/`);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`see it: pushforward report ${address}`)]);
    expect(stderr).not.toMatch(/warning/i); // of a disk, or of the SDK
    await expectSame(address);

    expect((await spectrum("--out", address)).stderr).toContain("18 of 18 units are done already");
    expect(await spectrum("--out", address, "--seed", "7")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`  at  file ${address}\n`),
    });

    expect(await command("report", address)).toMatchObject({ code: 0, stdout: `${address}/report.html\n` });
    expect((await command("report", "whole")).code).toBe(0);
    const pages: string[] = [];
    for await (const key of new S3Store(address).list("/")) if (/\.(svg|html)$/.test(key)) pages.push(key.slice(1));
    const expected = [...(await place.bytes("whole")).keys()].filter((file) => /\.(svg|html)$/.test(file));
    expect(pages.sort()).toEqual(expected.sort());
  });

  test("are shared by shards that start at once", async () => {
    const address = "s3://bucket/runs/shared";
    const shards = await Promise.all(["0/2", "1/2"].map((shard) => spectrum("--out", address, "--shard", shard)));
    expect(shards.map(({ code, stderr }) => [code, stderr.match(/^\[\d+\/9\] /gm)?.length])).toEqual([
      [0, 9],
      [0, 9],
    ]);
    await expectSame(address);
  });

  test("are not started in a bucket that is not there", async () => {
    expect(await spectrum("--out", "s3://no-such-bucket/run")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: There is no such bucket\.\n {2}at {2}file s3:\/\/no-such-bucket\/run\//m),
    });
    expect(await command("report", "s3://bucket/nothing")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: There is no run here\.\n {2}at {2}file s3:\/\/bucket\/nothing\n/),
    });
  });
});

describe("refusals", () => {
  afterEach(() => void vi.unstubAllEnvs());

  test("shards are refused a server that ignores conditions, before they compute", async () => {
    const server = await startFaultyS3({ ignoresConditions: true });
    use(server.endpoint);
    const { code, stderr } = await spectrum("--out", "s3://bucket/run", "--shard", "0/2");
    await server.stop();
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^error: The server of this store overwrites an object/m),
    ]);
    expect(server.objects.size).toBe(0);
  });

  test("a study says that it needs a folder, before it measures, and makes none of that name", async () => {
    const study = ["study", "vectors", "net.onnx", "a.npy", "--quick", "-k", "3", "--out", "s3://bucket/study"];
    const { code, stderr } = await command(...study);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("error: A folder is needed here, and this is an address.\n"),
    ]);
    expect(stderr).not.toMatch(/^\[1\//m);
    expect(await place.list()).not.toContain("s3:");
  });
});
