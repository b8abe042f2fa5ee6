import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { writeModel } from "../../src/onnx/index.ts";
import { cuda, findDevices, openDevice, webGpu } from "../../src/platform/node/devices.ts";
import { describeGpu } from "../../src/platform/node/gpu-name.ts";
import { repeatModel } from "../../src/platform/ort/device-memory.ts";

const found = await findDevices();
const webgpu = found.find(({ device }) => device === "webgpu")!;

/** What a probe says that found nothing. */
const refused = (said: string) => ({ runs: false, said, libraries: [] });
const noAdapter = "Failed to get a WebGPU adapter: No supported adapters";

test("the CPU is always there, and every other device is or has a reason and a way to it", () => {
  expect(found.map(({ device }) => device)).toEqual(["cpu", "webgpu", "cuda"]);
  expect(found[0]).toMatchObject({ available: true, name: expect.stringMatching(/./) });
  for (const { available, name, note, fix } of found) {
    expect(available ? name : `${note} ${fix}`).toMatch(available ? /./ : /^.+\. .+\.$/);
  }
});

describe("a device that is not there has a reason and a way to it", () => {
  test.each([
    {
      device: webGpu(refused(`Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open\n${noAdapter}`)),
      note: "There is no Vulkan loader (libvulkan.so.1).",
      fix: /apt install libvulkan1/,
    },
    {
      device: webGpu(refused(`Warning: vkCreateInstance: Found no drivers!\n${noAdapter}`)),
      note: "The Vulkan loader finds no driver.",
      fix: /mesa-vulkan-drivers.*NVIDIA's driver/,
    },
    {
      device: webGpu(refused(noAdapter)),
      note: "No GPU of this machine can do what WebGPU needs.",
      fix: /newer driver/,
    },
    {
      device: webGpu(refused("no available backend found. ERR: [webgpu] backend not found.")),
      note: `This build of ONNX Runtime has no WebGPU for ${process.platform} ${process.arch}.`,
      fix: /Use the CPU/,
    },
    {
      device: webGpu(refused("some driver\nThe process ended: SIGSEGV")),
      note: "WebGPU does not work here: The process ended: SIGSEGV.",
      fix: /newer driver/,
    },
    {
      device: cuda(refused("OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library")),
      note: "This build of ONNX Runtime has no CUDA.",
      fix: /Use webgpu.*not tested/,
    },
    {
      device: cuda(refused("CUDA failure 35: CUDA driver version is insufficient.")),
      note: "CUDA does not work here: CUDA failure 35: CUDA driver version is insufficient.",
      fix: /CUDA 12/,
    },
  ])("$note", ({ device, note, fix }) => {
    expect(device).toMatchObject({ available: false, note, fix: expect.stringMatching(fix) });
  });
});

test("CUDA that is there is said not to be tested", () => {
  expect(cuda({ runs: true, said: "", libraries: [] })).toMatchObject({
    available: true,
    note: "This device is passed to ONNX Runtime and is not tested.",
  });
});

test("a GPU has the name of its driver, and a program that stands in for one is known as such", () => {
  const swiftShader = "/usr/lib/chromium/libvk_swiftshader.so";
  expect(describeGpu([swiftShader], "linux")).toEqual({ name: "SwiftShader", isSoftware: true });
  expect(describeGpu(["/usr/lib/libvulkan_lvp.so"], "linux").isSoftware).toBe(true);
  expect(describeGpu([swiftShader, "/usr/lib/libvulkan_radeon.so"], "linux")).toEqual({
    name: "AMD",
    isSoftware: false,
  });
  expect(describeGpu([], "darwin")).toEqual({ name: "GPU by Metal", isSoftware: false });
  expect(webGpu({ runs: true, said: "", libraries: [swiftShader], largestBuffer: 2 ** 30 })).toMatchObject({
    available: true,
    isSoftware: true,
    largestTensor: 2 ** 30,
  });
});

test("a device that does not exist or is not there cannot be opened", async () => {
  await expect(openDevice({ device: "tpu" as "cpu" })).rejects.toMatchObject({
    code: "usage",
    what: `There is no device "tpu".`,
    fix: "Choose one of cpu, webgpu, cuda.",
  });
  for (const { device, note } of found.filter(({ available }) => !available)) {
    await expect(openDevice({ device })).rejects.toMatchObject({
      code: "usage",
      what: `The device "${device}" is not available. ${note}`,
    });
  }
});

/** Reading a tensor on the device as ONNX Runtime offers it. */
const getData = `
const [runtime, model] = process.argv.slice(1);
const ort = require(runtime);
ort.InferenceSession.create(Buffer.from(model, "base64"), {
  executionProviders: ["webgpu"],
  preferredOutputLocation: "gpu-buffer",
}).then((session) => session.run({
  x: new ort.Tensor("float32", Float32Array.of(7), [1]),
  size: new ort.Tensor("int64", BigInt64Array.of(3n), [1]),
})).then(({ y }) => {
  console.log("on the device");
  return y.getData();
}).then((data) => console.log("read", data.join()));
`;

test.skipIf(!webgpu.available)(
  `getData of a tensor on the device ends the process still (${webgpu.note ?? "webgpu"})`,
  () => {
    const runtime = createRequire(import.meta.url).resolve("onnxruntime-node");
    const model = Buffer.from(writeModel(repeatModel)).toString("base64");
    const { stdout, signal } = spawnSync(process.execPath, ["-e", getData, runtime, model], { encoding: "utf8" });
    // Once it prints "read 7,7,7", DeviceMemory.read can use it instead of a graph.
    expect([stdout.trim(), signal]).toEqual(["on the device", "SIGABRT"]);
  },
);
