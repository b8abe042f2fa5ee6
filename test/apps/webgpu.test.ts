import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { openModel } from "../../src/apps/node/index.ts";
import { createRng, gaussianArray, sizeOf } from "../../src/base/index.ts";
import type { Network } from "../../src/jacobian/index.ts";
import { findDevices } from "../../src/platform/node/devices.ts";
import { DirectoryStore } from "../../src/platform/node/directory-store.ts";
import { openRun } from "../../src/results/index.ts";
import { pushforward } from "./command-line.ts";
import { digits } from "./digits.ts";

const file = fileURLToPath(new URL("../../examples/digits/digits.onnx", import.meta.url));
/** σ that are compared at a tap: all of the later ones, and the largest of the first ones, which a GPU in software would compute for minutes. */
const MOST = 150;
const webgpu = (await findDevices()).find(({ device }) => device === "webgpu")!;

describe.skipIf(!webgpu.available)(`the digits network on WebGPU (${webgpu.name ?? webgpu.note})`, async () => {
  const told: string[] = [];
  const networks: Network[] = [];
  const open = async (options: Parameters<typeof openModel>[1] = {}) => {
    const network = await openModel(file, { threads: 2, ...options });
    networks.push(network);
    return network;
  };
  afterAll(async () => {
    for (const network of networks) await network.close();
  });
  const onCpu = await open();
  const onGpu = webgpu.available ? await open({ device: "webgpu", notice: (text) => told.push(text) }) : onCpu;
  /** Strokes on black, so that pools meet equal numbers. */
  const drawn = gaussianArray(createRng(1, "drawn"), sizeOf(onCpu.input.shape)).map((value) =>
    Math.max(0, value - 0.7),
  );

  test.each(onCpu.taps.slice(1).map(({ name }) => name))(
    "%s: σ within the sum of the certificates, kinks as on the CPU",
    { timeout: 120_000 },
    async (to) => {
      const [expected, J] = [await onCpu.jacobian({ at: drawn, to }), await onGpu.jacobian({ at: drawn, to })];
      const k = Math.min(sizeOf(J.source), sizeOf(J.target), MOST);
      const options = { k, seed: 1 };
      const [known, found] = [await expected.svd(options), await J.svd(options)];
      const certified = ({ certificate: { residual, floors } }: typeof known, i: number) => residual[i]! + floors[i]!;
      for (let i = 0; i < k; i++) {
        const difference = Math.abs(known.sigma[i]! - found.sigma[i]!);
        expect(difference).toBeLessThanOrEqual(certified(known, i) + certified(found, i));
      }
      expect(found.certificate.status).not.toContain("unconverged");
      expect(found.certificate.missed.kind).toBe(known.certificate.missed.kind);
      expect(Math.max(...Object.values(found.certificate.orthogonality))).toBeLessThan(1e-6);
      expect(J.kinks).toEqual(expected.kinks);
      expect(J.value).toEqual(expected.value);
      expect(await J.activeRows()).toEqual(await expected.activeRows());
    },
  );

  test("computes all of it on the device, and results name it", () => {
    expect(onGpu.backend.exceptions).toEqual([]);
    expect(onGpu.backend.device).toBe("webgpu");
    expect(onGpu.backend.description).toBe(
      `onnxruntime-node ${onGpu.backend.description.split(" ")[1]} webgpu (${webgpu.name}); its bytes do not repeat`,
    );
    expect(told.filter((text) => !text.includes("stands in for a GPU"))).toEqual([]);
  });
});

test("`devices` lists what is there, in words and as JSON", async () => {
  const words = await pushforward(["devices"]);
  expect(words.code).toBe(0);
  for (const device of ["cpu", "webgpu", "cuda"])
    expect(words.stdout).toMatch(new RegExp(`^${device} +(yes|no) `, "m"));
  const { stdout } = await pushforward(["devices", "--json"]);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { device: string; available: boolean });
  expect(lines[0]).toMatchObject({ device: "cpu", available: true });
  expect(lines[1]).toMatchObject({ device: "webgpu", available: webgpu.available });
  expect(lines[2]!.device).toBe("cuda");
});

test("a device that is not there is refused with the reason, and an unknown one with the names", async () => {
  const absent = (await findDevices()).find(({ available }) => !available);
  if (absent !== undefined) {
    const { code, stderr } = await pushforward(["spectrum", file, "x.npy", "--device", absent.device]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/error: /);
  }
  const { code, stderr } = await pushforward(["inspect", file, "--device", "tpu"]);
  expect([code, stderr]).toEqual([
    2,
    'error: "tpu" is not one of the devices cpu, webgpu, cuda.\n  at  option --device\n  do  For example: --device webgpu.\n',
  ]);
});

test.skipIf(!webgpu.available)(
  "`spectrum --device webgpu` says what the device is, and names it in its results",
  { timeout: 120_000 },
  async () => {
    const out = await mkdtemp(join(tmpdir(), "webgpu-"));
    try {
      const asked = [
        ...digits.filter((_, i) => i < 2 || i > 4),
        "--taps",
        "pool2",
        "-k",
        "2",
        "--no-plan",
        "--out",
        out,
      ];
      const { code, stderr } = await pushforward(["spectrum", ...asked, "--device", "webgpu"]);
      expect([code, stderr.match(/stands in for a GPU/g)?.length ?? 0]).toEqual([0, webgpu.isSoftware ? 1 : 0]);
      const { manifest } = await openRun(new DirectoryStore(out));
      expect(manifest.backend).toContain(`webgpu (${webgpu.name}); its bytes do not repeat`);
      const again = await pushforward(["spectrum", ...asked]);
      expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("backend")]);
    } finally {
      await rm(out, { recursive: true });
    }
  },
);
