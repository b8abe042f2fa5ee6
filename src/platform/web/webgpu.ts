import { PushforwardError } from "../../base/index.ts";
import type { Backend } from "../../runtime/index.ts";
import { deviceBackend } from "../ort/device-backend.ts";
import type { Ort } from "../ort/ort.ts";

/** What is used of WebGPU, which the types of TypeScript do not know yet. */
interface Gpu {
  requestAdapter(): Promise<{
    readonly info: { readonly vendor: string; readonly architecture: string };
    readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number };
  } | null>;
}

/**
 * The GPU of this browser. It does not know whether the device computes rightly: see `believed`.
 *
 * @throws PushforwardError `usage` if there is none, with the reason and what to do
 */
export async function openGpu(ort: Ort, name: string): Promise<Backend> {
  const adapter = await (globalThis.navigator as { readonly gpu?: Gpu }).gpu?.requestAdapter();
  if (!adapter) {
    throw new PushforwardError("usage", {
      what: 'The device "webgpu" is not available: this browser has no WebGPU, or no GPU that it may use.',
      where: { option: "device" },
      fix: "Use the CPU, which needs nothing, or another browser. WebGPU is there only on pages over https and on localhost.",
    });
  }
  const { vendor, architecture } = adapter.info;
  const gpu = [vendor, architecture].filter(Boolean).join(" ") || "unknown";
  return deviceBackend(ort, {
    device: "webgpu",
    provider: ["webgpu"],
    description: `${name} webgpu (${gpu}); its bytes do not repeat`,
    largestTensor: Math.min(adapter.limits.maxBufferSize, adapter.limits.maxStorageBufferBindingSize),
  });
}
