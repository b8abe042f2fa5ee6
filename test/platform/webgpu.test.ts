import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { findDevices, openDevice } from "../../src/platform/node/devices.ts";
import { heldBytes } from "../../src/platform/node/garbage.ts";
import { deviceBackend } from "../../src/platform/ort/device-backend.ts";
import { describeBackend } from "../conformance/backend.ts";

const webgpu = (await findDevices()).find(({ device }) => device === "webgpu")!;

describe.skipIf(!webgpu.available)(`WebGPU (${webgpu.name ?? webgpu.note})`, () => {
  const raw = () =>
    deviceBackend(ort, {
      device: "webgpu",
      provider: ["webgpu"],
      description: "onnxruntime-node 1.0.0 webgpu",
      largestTensor: 2 ** 27,
    });
  describeBackend("the device", async () => raw(), 3);
  describeBackend("the device, believed", () => openDevice({ device: "webgpu", threads: 1 }), 1);

  test("what is disposed of, or forgotten, is freed", async () => {
    const before = heldBytes();
    const backend = await openDevice({ device: "webgpu", threads: 1 });
    const { algebra } = backend;
    const x = algebra.upload(new Float32Array(2 ** 20), 1);
    const copyAndForget = async () => {
      await algebra.copy(x, algebra.allocate(1, 2 ** 20));
    };
    // 4 MB each: they are collected at the latest when they hold 512 MB.
    for (let i = 0; i < 160; i++) await copyAndForget();
    await new Promise((resolve) => setTimeout(resolve, 100)); // What was collected is freed a moment later.
    expect(heldBytes() - before).toBeLessThan(2 ** 29);
    const settled = heldBytes();
    const disposed = algebra.allocate(1, 2 ** 20);
    await algebra.copy(x, disposed);
    expect(heldBytes()).toBeGreaterThan(settled);
    disposed.dispose();
    disposed.dispose();
    expect(heldBytes()).toBeLessThanOrEqual(settled);
    await backend.dispose();
  });
});
