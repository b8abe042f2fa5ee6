import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { openSharedStore, openStore, within } from "../../src/platform/node/open-store.ts";
import { S3Store } from "../../src/platform/node/s3-store.ts";
import type { Key } from "../../src/results/index.ts";
import { describeStore } from "../conformance/store.ts";
import { type FaultyS3, startFaultyS3 } from "../support/faulty-s3.ts";
import { environment, programs, type S3Server } from "../support/s3-servers.ts";

const one = Uint8Array.of(1);
const use = (variables: Readonly<Record<string, string>>) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
};
let count = 0;
const fresh = () => new S3Store(`s3://bucket/runs/${count++}`);

async function keysOf(store: S3Store): Promise<Key[]> {
  const keys: Key[] = [];
  for await (const key of store.list("/")) keys.push(key);
  return keys.sort();
}

for (const { name, missing, start } of programs) {
  describe.skipIf(missing !== undefined)(`on ${name}${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
    let server: S3Server;
    beforeAll(async () => {
      server = await start();
      use(environment(server.endpoint));
    });
    afterAll(async () => {
      vi.unstubAllEnvs();
      await server.stop();
    });

    describeStore("S3Store", async () => fresh());

    test("takes a bucket without a prefix, and a prefix that ends in /", async () => {
      await new S3Store("s3://bucket").set("/at-the-top/a", one);
      const store = new S3Store("s3://bucket/at-the-top/");
      expect(store.location).toBe("s3://bucket/at-the-top");
      expect(await store.get("/a")).toEqual(one);
      await store.delete("/a");
      expect(await new S3Store("s3://bucket").has("/at-the-top/a")).toBe(false);
    });

    test("proves that it creates once, and leaves nothing", async () => {
      const store = fresh();
      expect(await store.honoursCreate()).toBe(true);
      expect(await keysOf(store)).toEqual([]);
      const [, bucket] = await Promise.all([openSharedStore(store.location), keysOf(new S3Store("s3://bucket"))]);
      expect(bucket.filter((key) => key.includes("probe"))).toEqual([]);
    });

    test("says that a bucket is not there", async () => {
      const store = new S3Store("s3://no-such-bucket/run");
      const what = "There is no such bucket.";
      const where = { file: "s3://no-such-bucket/run/a" };
      await expect(store.get("/a")).rejects.toMatchObject({ code: "file-unreadable", what, where });
      await expect(keysOf(store)).rejects.toMatchObject({ code: "file-unreadable", what });
      await expect(store.set("/a", one)).rejects.toMatchObject({ code: "store-unwritable", what, where });
      await expect(store.create("/a", one)).rejects.toMatchObject({ code: "store-unwritable", what, where });
    });
  });
}

describe("what is wrong", () => {
  let server: FaultyS3 | undefined;
  afterEach(async () => {
    vi.unstubAllEnvs();
    await server?.stop();
    server = undefined;
  });

  test.each([
    { status: 403, code: "AccessDenied", what: "There is no permission for this.", fix: /s3:PutObject/ },
    { status: 404, code: "NoSuchBucket", what: "There is no such bucket.", fix: /Create it/ },
    {
      status: 403,
      code: "SignatureDoesNotMatch",
      what: "The server does not accept the credentials.",
      fix: /AWS_SECRET_ACCESS_KEY/,
    },
    {
      status: 400,
      code: "ExpiredToken",
      what: "The server does not accept the credentials.",
      fix: /may have expired/,
    },
    { status: 403, code: "RequestTimeTooSkewed", what: "The clock of this machine is wrong.", fix: /Set the clock/ },
    { status: 301, code: "PermanentRedirect", what: "The bucket is in another region.", fix: /AWS_REGION/ },
    { status: 400, code: "AuthorizationHeaderMalformed", what: "The bucket is in another region.", fix: /AWS_REGION/ },
    { status: 400, code: "KeyTooLongError", what: /longer than the server allows/, fix: /shorter prefix/ },
    { status: 501, code: "NotImplemented", what: /only if there is none yet/, fix: /a store that can/ },
    { status: 503, code: "SlowDown", what: /overloaded or has a fault/, fix: /finished work is kept/ },
    { status: 418, code: "Teapot", what: /^This cannot be (read|written): /, fix: /the server/ },
  ])("$code is told, with its place and what to do", async ({ status, code, what, fix }) => {
    server = await startFaultyS3({ always: { status, code } });
    use({ ...environment(server.endpoint), AWS_MAX_ATTEMPTS: "1" });
    const store = fresh();
    const told = { where: { file: `${store.location}/a` }, fix: expect.stringMatching(fix) };
    const said = { ...told, what: typeof what === "string" ? what : expect.stringMatching(what) };
    await expect(store.get("/a")).rejects.toMatchObject({ ...said, code: "file-unreadable" });
    for (const act of [() => store.set("/a", one), () => store.create("/a", one), () => store.delete("/a")]) {
      await expect(act()).rejects.toMatchObject({ ...said, code: "store-unwritable" });
    }
  });

  test("HEAD, whose answer has no name, is told by its status", async () => {
    server = await startFaultyS3({ always: { status: 403, code: "AccessDenied" } });
    use({ ...environment(server.endpoint), AWS_MAX_ATTEMPTS: "1" });
    await expect(fresh().has("/a")).rejects.toMatchObject({
      code: "file-unreadable",
      what: "There is no permission for this.",
    });
  });

  test("no credentials", async () => {
    use({ ...environment("http://127.0.0.1:9"), AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" });
    await expect(fresh().get("/a")).rejects.toMatchObject({
      code: "file-unreadable",
      what: "No credentials for S3 are found.",
      fix: expect.stringMatching(/AWS_ACCESS_KEY_ID/),
    });
  });

  test.each([undefined, ""])("no region: AWS_REGION is %j", async (region) => {
    use(environment("http://127.0.0.1:9"));
    vi.stubEnv("AWS_REGION", region);
    vi.stubEnv("AWS_DEFAULT_REGION", region);
    await expect(fresh().get("/a")).rejects.toMatchObject({
      code: "file-unreadable",
      what: "No region for S3 is set.",
      fix: expect.stringMatching(/AWS_REGION/),
    });
  });

  test.each(["http://127.0.0.1:9", "http://no-such-host.invalid"])("no server at %s", async (endpoint) => {
    use({ ...environment(endpoint), AWS_MAX_ATTEMPTS: "2" });
    const store = fresh();
    const told = { what: "The server of this store cannot be reached.", where: { file: `${store.location}/a` } };
    await expect(store.get("/a")).rejects.toMatchObject({ ...told, code: "file-unreadable" });
    await expect(store.create("/a", one)).rejects.toMatchObject({ ...told, code: "store-unwritable" });
  });

  test.each([
    "s3:",
    "s3://",
    "s3:///run",
    "s3:/bucket/run",
    "s3:bucket",
    "s3://Bucket/run",
    "s3://b",
    "s3://a..b/run",
    "s3://bucket_1",
    "s3://bucket//run",
    "s3://bucket/run//",
    "s3://bucket/../run",
    "s3://bucket/./run",
    "s3://bucket/a\nb",
    "gs://bucket/run",
    "S3://bucket/run",
    "https://server/run",
  ])("%j is refused as the address of a store", (address) => {
    expect(() => openStore(address)).toThrow(expect.objectContaining({ code: "usage", where: { file: address } }));
  });

  test("keys that lead out of the store are refused", async () => {
    const store = fresh();
    for (const key of ["/../a", "/a/../../b", "/./a", "//a", "/a//b"] as const) {
      await expect(store.get(key)).rejects.toMatchObject({ code: "usage" });
      await expect(store.set(key, one)).rejects.toMatchObject({ code: "usage" });
    }
  });
});

test("what has a name within a store", () => {
  expect(within("s3://bucket/run", "report.html")).toBe("s3://bucket/run/report.html");
  expect(within("s3://bucket/run/", "report.html")).toBe("s3://bucket/run/report.html");
  expect(within("a/../run/", "report.html")).toBe("run/report.html");
});

describe("faults", () => {
  let server: FaultyS3;
  afterEach(async () => {
    vi.unstubAllEnvs();
    await server.stop();
  });
  const serve = async (options: Parameters<typeof startFaultyS3>[0]) => {
    server = await startFaultyS3(options);
    use(environment(server.endpoint));
    return new S3Store("s3://bucket/run");
  };
  const stored = () => server.objects.get("/bucket/run/a")?.bytes;

  test("a server that tells few keys at once is asked until it has told all", async () => {
    const store = await serve({ page: 2 });
    const keys: Key[] = ["/a", "/b/1", "/b/2", "/b/3", "/c"];
    for (const key of keys) await store.set(key, one);
    server.requests.length = 0;
    expect(await keysOf(store)).toEqual(keys);
    expect(server.requests).toEqual(["GET", "GET", "GET"]);
  });

  test("a server that gives all where a part is asked", async () => {
    const store = await serve({});
    await store.set("/a", Uint8Array.of(1, 2, 3));
    expect(await store.getRange("/a", { offset: 1, length: 1 })).toEqual(Uint8Array.of(2));
  });

  test("create asks again while the server is busy with the same key", async () => {
    const busy = { status: 409, code: "ConditionalRequestConflict" };
    const store = await serve({ faults: [busy, busy] });
    expect(await store.create("/a", one)).toBe(true);
    expect(server.requests).toEqual(["PUT", "PUT", "PUT"]);
    expect(await store.create("/a", Uint8Array.of(2))).toBe(false);
  });

  test("create gives up where the server is always busy", async () => {
    const store = await serve({
      faults: Array.from({ length: 20 }, () => ({ status: 409, code: "ConditionalRequestConflict" })),
    });
    await expect(store.create("/a", one)).rejects.toMatchObject({ code: "store-unwritable" });
  });

  test("create knows its own success, whose answer was lost", async () => {
    const store = await serve({ faults: ["loses the answer", "loses the answer"] });
    expect(await store.create("/a", one)).toBe(true);
    expect(server.requests).toEqual(["PUT", "PUT", "HEAD"]);
    expect(stored()).toEqual(Buffer.of(1));
  });

  test("create does not take the same bytes of another program for its own, also if its request was repeated", async () => {
    const store = await serve({ faults: [{ overtaken: one }] });
    expect(await store.create("/a", one)).toBe(false);
    expect(server.requests).toEqual(["PUT", "PUT", "HEAD"]);
  });

  test("create outlasts a server that is away for seconds", async () => {
    const store = await serve({});
    const { port } = new URL(server.endpoint);
    await server.stop();
    const waiting = store.create("/a", one);
    await setTimeout(1500);
    server = await startFaultyS3({ port: Number(port) });
    expect(await waiting).toBe(true);
  });

  test("create is not believed of a server that ignores conditions", async () => {
    const store = await serve({ ignoresConditions: true });
    expect(await store.honoursCreate()).toBe(false);
    expect(server.objects.size).toBe(0);
    await expect(openSharedStore("s3://bucket/run")).rejects.toMatchObject({
      code: "store-unwritable",
      what: expect.stringMatching(/overwrites an object where it was told to refuse/),
      where: { file: "s3://bucket/run" },
      fix: expect.stringMatching(/without --shard/),
    });
  });
});
