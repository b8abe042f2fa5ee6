import * as ort from "onnxruntime-node";
import { describe } from "vitest";
import { findDevices, openDevice } from "../../src/platform/node/devices.ts";
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
});
