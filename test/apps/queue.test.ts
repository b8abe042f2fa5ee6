import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { openQueue } from "../../src/apps/cli/open-queue.ts";
import { queuedName } from "../../src/apps/cli/queued-subject.ts";
import { runningUnits } from "../../src/apps/cli/running-units.ts";
import { FollowedRun } from "../../src/apps/progress/followed-run.ts";
import { buildModel, floatTensor, node, valueInfo, writeModel } from "../../src/onnx/index.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { RunQueue } from "../../src/platform/node/run-queue.ts";
import { S3Store } from "../../src/platform/node/s3-store.ts";
import { openRun } from "../../src/results/index.ts";
import { startFaultyS3 } from "../support/faulty-s3.ts";
import { childrenOf } from "../support/processes.ts";
import { hasRedis, type RedisServer, startRedis } from "../support/redis.ts";
import { environment, programs } from "../support/s3-servers.ts";
import { pushforward, type Running, start } from "./command-line.ts";
import { convnet, withWeightsApart } from "./networks.ts";
import { besideNumbers, createWorkplace, differences, randomNpy, randomPng, type Workplace } from "./workplace.ts";

const SIZE = 24;
const inputs = Array.from({ length: 8 }, (_, i) => `${i}.npy`);
const settings = ["-k", "40", "--threads", "1", "--seed", "3"];

/** y = tanh(x w) ⊙ s */
const scaled = buildModel({
  inputs: [valueInfo("x", "float32", [1, 4]), valueInfo("s", "float32", [1, 4])],
  outputs: [valueInfo("y", "float32", [1, 4])],
  nodes: [
    node({ op: "MatMul", inputs: ["x", "w"], outputs: ["h"] }),
    node({ op: "Tanh", inputs: ["h"], outputs: ["t"] }),
    node({ op: "Mul", inputs: ["t", "s"], outputs: ["y"] }),
  ],
  initializers: new Map([
    [
      "w",
      floatTensor(
        [4, 4],
        Float32Array.from({ length: 16 }, (_, i) => Math.sin(i)),
      ),
    ],
  ]),
});

describe.skipIf(!hasRedis)("a queue (skipped: needs redis-server)", { timeout: 240_000 }, () => {
  let place: Workplace;
  let redis: RedisServer;
  const running: Running[] = [];
  beforeAll(async () => {
    place = await createWorkplace({ "net.onnx": writeModel(convnet({ size: SIZE })) });
    for (const [seed, name] of inputs.entries()) await place.put(name, randomNpy([1, SIZE, SIZE], seed));
    redis = await startRedis();
    expect(await spectrum("--out", "alone")).toMatchObject({ code: 0 });
  });
  afterEach(async () => {
    for (const { child } of running.splice(0)) child.kill("SIGKILL");
    await redis.kill();
    await redis.start({ empty: true });
  });
  afterAll(async () => {
    await redis.stop();
    await place.remove();
  });

  const spectrum = (...rest: readonly string[]) =>
    pushforward(["spectrum", "net.onnx", ...inputs, ...settings, ...rest], { cwd: place.folder });
  const enqueue = (out: string, ...rest: readonly string[]) => {
    const command = ["spectrum", "net.onnx", ...inputs, ...settings, "--out", out, "--queue", redis.address, ...rest];
    running.push(start(command, { cwd: place.folder }));
    return running.at(-1)!;
  };
  /** Starts a worker, in a folder that has nothing of the run. */
  async function worker(...rest: readonly string[]): Promise<Running> {
    const one = start(["worker", "--queue", redis.address, "--threads", "1", "--lock", "2", ...rest], { cwd: "/" });
    running.push(one);
    await one.shown(/waits for units/g, 1);
    return one;
  }
  const expectSame = async (out: string, whole = "alone") =>
    expect(await differences(place, whole, out, besideNumbers)).toEqual([]);
  const doneIn = async (out: string) => {
    const run = await openRun(new DirectoryStore(place.path(out)));
    const { inputs: all, taps } = run.manifest;
    return all.flatMap((_, input) => taps.filter((_tap, tap) => run.isDone(input, tap))).length;
  };

  test("is worked off by two workers; one is killed, and shards without the queue finish the run", async () => {
    const whole = enqueue("halved");
    const [first, second] = [await worker(), await worker()];
    await first.shown(/certified/g, 4);
    first.child.kill("SIGKILL");
    await second.shown(/certified/g, 6);
    second.child.kill("SIGTERM");
    expect((await second.outcome).code).toBe(0);
    whole.child.kill("SIGINT");
    expect(await whole.outcome).toMatchObject({ code: 130, stderr: expect.stringContaining("stays in the queue") });
    const done = await doneIn("halved");
    expect(done).toBeGreaterThan(8);
    expect(done).toBeLessThan(40);
    for (const shard of ["0/2", "1/2"])
      expect(await spectrum("--out", "halved", "--shard", shard)).toMatchObject({ code: 0 });
    await expectSame("halved");
    // What is left in the queue is found done.
    const third = await worker();
    const again = await enqueue("halved").outcome;
    expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining("48 of 48 units are done already") });
    third.child.kill("SIGTERM");
    expect((await third.outcome).code).toBe(0);
  });

  test("outlives its server, also one that has lost everything", async () => {
    const whole = enqueue("lost");
    const one = await worker();
    await one.shown(/certified/g, 2);
    const held = [one.child.pid!, ...childrenOf(one.child.pid!)];
    const signal = (name: "SIGSTOP" | "SIGCONT") => held.map((pid) => process.kill(pid, name));
    signal("SIGSTOP"); // The run would be done before its server comes back.
    await redis.kill();
    await whole.shown(/does not answer; this command waits for it/g, 1);
    await redis.start();
    await whole.shown(/answers again/g, 1);
    signal("SIGCONT");
    await one.shown(/certified/g, 6);
    await redis.kill();
    await redis.start({ empty: true });
    const { code, stderr } = await whole.outcome;
    expect([code, stderr]).toEqual([0, expect.stringContaining("answers again")]);
    await expectSame("lost");
  });

  /** Waits until a run has jobs, and gives a look at them. */
  async function enqueued(out: string) {
    const queue = await RunQueue.open(redis.address, () => undefined);
    const store = new DirectoryStore(place.path(out));
    for (;;) {
      const run = await openRun(store).catch(() => undefined);
      const name = run && queuedName(store.location, run.manifest);
      if (name !== undefined && (await queue.jobsOf(name)).open > 0) {
        return { look: () => queue.jobsOf(name), close: () => queue.close() };
      }
      await delay(20);
    }
  }

  test("gives up a unit at which processes end again and again, and goes on with the others", async () => {
    const whole = enqueue("poisoned", "--taps", "conv2");
    const queue = await enqueued("poisoned");
    const one = await worker();
    let over = false;
    void whole.outcome.then(() => {
      over = true;
    });
    const seen = new Set<number>();
    while (!over) {
      const { running: units } = await queue.look();
      const begun = units.find(({ input, since }) => input === 3 && !seen.has(since));
      if (begun !== undefined) for (const pid of childrenOf(one.child.pid!)) process.kill(pid, "SIGKILL");
      if (begun !== undefined) seen.add(begun.since);
      await delay(1);
    }
    await queue.close();
    const { code, stderr } = await whole.outcome;
    expect(stderr).toMatch(/its process ended 5 times: .*SIGKILL/);
    expect(code).toBe(2);
    const stored = await openRun(new DirectoryStore(place.path("poisoned")));
    expect(inputs.filter((_, input) => !stored.isDone(input, 0))).toEqual(["3.npy"]);
  });

  test("says which units are running, and where, also to a page that follows the run", async () => {
    const whole = enqueue("watched");
    const queue = await enqueued("watched");
    const one = await worker();
    while ((await queue.look()).running.length === 0) await delay(1);
    const held = [one.child.pid!, ...childrenOf(one.child.pid!)];
    for (const pid of held) process.kill(pid, "SIGSTOP");
    const { running: units } = await queue.look();
    expect(units).toHaveLength(1);
    const asked = ["status", "watched", "--queue", redis.address];
    const said = await pushforward(asked, { cwd: place.folder });
    expect(said.stdout).toMatch(new RegExp(`:${one.child.pid} computes \\d → \\w+, for [\\d.]+ s so far`));
    const told = (await pushforward([...asked, "--json"], { cwd: place.folder })).stdout.trim().split("\n").at(-1)!;
    expect(JSON.parse(told)).toEqual({
      ...{ input: `${units[0]!.input}`, worker: units[0]!.worker },
      ...{ tap: expect.any(String), runningFor: expect.any(Number) },
    });
    const opened = await openQueue(redis.address);
    const store = new DirectoryStore(place.path("watched"));
    const seen = await new FollowedRun(store, (manifest) => runningUnits(opened, store, manifest)).look();
    expect(seen.running).toEqual([
      {
        unit: expect.stringContaining(" → "),
        worker: units[0]!.worker,
        since: new Date(units[0]!.since).toISOString(),
      },
    ]);
    await opened.close();
    await queue.close();
    for (const pid of held) process.kill(pid, "SIGCONT");
    expect((await whole.outcome).code).toBe(0);
  });

  test("brings workers the external data, the mean picture and the arrays that a run needs, though they are gone", async () => {
    const { model, data } = withWeightsApart("weights/data.bin");
    await place.put("apart/net.onnx", model);
    await place.put("apart/weights/data.bin", data);
    await place.put("apart/a.png", await randomPng(12, 12));
    await place.put("apart/mean.json", JSON.stringify({ colour: "gray", mean: "mean.npy" }));
    await place.put("apart/mean.npy", randomNpy([1, 12, 12], 5));
    await place.put("apart/two.onnx", writeModel(scaled));
    await place.put("apart/x.npy", randomNpy([1, 4], 1));
    await place.put("apart/s.npy", randomNpy([1, 4], 2));
    const commands = [
      ["apart/net.onnx", "apart/a.png", "--preprocess", "apart/mean.json"],
      ["apart/two.onnx", "apart/x.npy", "--input", "s=apart/s.npy"],
    ];
    const command = (of: readonly string[], ...rest: readonly string[]) => [
      "spectrum",
      ...of,
      "--threads",
      "1",
      ...rest,
    ];
    const waiting: Running[] = [];
    for (const [i, of] of commands.entries()) {
      expect(await pushforward(command(of, "--out", `apart-${i}`), { cwd: place.folder })).toMatchObject({ code: 0 });
      const given = command(of, "--out", `fetched-${i}`, "--queue", redis.address);
      waiting.push(start(given, { cwd: place.folder }));
      running.push(waiting.at(-1)!);
      await (await enqueued(`fetched-${i}`)).close();
    }
    await rm(place.path("apart"), { recursive: true });
    await worker();
    for (const [i, { outcome }] of waiting.entries()) {
      expect(await outcome).toMatchObject({ code: 0 });
      await expectSame(`fetched-${i}`, `apart-${i}`);
    }
  });

  test("lets workers take files from their own disks, and says which they lack", async () => {
    const bytes = await place.bytes(".");
    const hash = (name: string) => createHash("sha256").update(bytes.get(name)!).digest("hex");
    const maps = ["net.onnx", ...inputs].flatMap((name) => ["--map", `${hash(name)}=${place.path(name)}`]);
    expect(
      await pushforward(["worker", "--queue", redis.address, "--map", `${hash("0.npy")}=${place.path("1.npy")}`]),
    ).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("another content than is said"),
    });
    const bare = await worker();
    const lacking = enqueue("mapped", "--no-copy");
    await bare.shown(/The store does not have the file net.onnx/g, 1);
    bare.child.kill("SIGTERM");
    expect((await bare.outcome).code).toBe(0);
    await worker(...maps);
    expect((await lacking.outcome).code).toBe(0);
    await expectSame("mapped");
    expect(await place.list("mapped/subject")).toEqual(["files.json"]);
  });

  const [moto] = programs;
  test.skipIf(moto!.missing !== undefined)("shares a run on S3 (skipped: needs moto)", async () => {
    const server = await moto!.start();
    try {
      const env = environment(server.endpoint);
      const command = ["spectrum", "net.onnx", "0.npy", "1.npy", "--taps", "conv1,logits", ...settings];
      expect(await pushforward([...command, "--out", "few"], { cwd: place.folder })).toMatchObject({ code: 0 });
      const at = ["--out", "s3://bucket/run", "--queue", redis.address];
      const whole = start([...command, ...at], { cwd: place.folder, env });
      const crew = [0, 1].map(() => start(["worker", "--queue", redis.address, "--threads", "1"], { cwd: "/", env }));
      running.push(whole, ...crew);
      expect(await whole.outcome).toMatchObject({ code: 0 });
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
      const store = new S3Store("s3://bucket/run");
      const found = new Map<string, Buffer>();
      for await (const key of store.list("/")) {
        if (!besideNumbers.test(key.slice(1))) found.set(key.slice(1), Buffer.from((await store.get(key))!));
      }
      expect(found).toEqual(await place.bytes("few", besideNumbers));
    } finally {
      vi.unstubAllEnvs();
      await server.stop();
    }
  });

  test("is refused a store that does not create objects once, before anything is computed", async () => {
    const server = await startFaultyS3({ ignoresConditions: true });
    try {
      const command = ["spectrum", "net.onnx", "0.npy", "--out", "s3://bucket/run", "--queue", redis.address];
      const outcome = await pushforward(command, { cwd: place.folder, env: environment(server.endpoint) });
      expect(outcome).toMatchObject({ code: 2, stderr: expect.stringContaining("programs that share it could lose") });
    } finally {
      await server.stop();
    }
  });

  test("asks for a password, in the address or in REDISCLI_AUTH, and does not print it", async () => {
    const guarded = await startRedis("--requirepass", "open-sesame");
    try {
      const at = (address: string) => [
        "spectrum",
        "net.onnx",
        "0.npy",
        "--taps",
        "pool1",
        "--out",
        "guarded",
        "--queue",
        address,
      ];
      const refused = await pushforward(at(guarded.address), { cwd: place.folder });
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("NOAUTH") });
      const one = start(["worker", "--queue", guarded.address], { cwd: "/", env: { REDISCLI_AUTH: "open-sesame" } });
      running.push(one);
      const outcome = await pushforward(at(guarded.address.replace("//", "//:open-sesame@")), { cwd: place.folder });
      expect(outcome).toMatchObject({ code: 0 });
      one.child.kill("SIGTERM");
      expect((await one.outcome).stderr + outcome.stderr).not.toContain("open-sesame");
    } finally {
      await guarded.stop();
    }
  });

  test.each([
    [["--queue", "redis://127.0.0.1:1", "--out", "x"], "The queue does not answer: connect ECONNREFUSED"],
    [["--queue", "http://127.0.0.1", "--out", "x"], "is not the address of a queue"],
    [["--queue", "redis://127.0.0.1"], "Workers need a store that they all see"],
    [["--queue", "redis://127.0.0.1", "--out", "x", "--shard", "0/2"], "shares the work without shards"],
  ])("refuses %j", async (options, why) => {
    expect(await spectrum(...options)).toMatchObject({ code: 2, stderr: expect.stringContaining(why) });
  });
});
