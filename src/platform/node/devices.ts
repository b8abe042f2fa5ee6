import "./no-telemetry.ts";
import { cpus } from "node:os";
import { PushforwardError } from "../../base/index.ts";
import { type Backend, believed } from "../../runtime/index.ts";
import { deviceBackend } from "../ort/device-backend.ts";
import { type BackendOptions, createBackend, RUNTIME } from "./backend.ts";
import { noteHeld } from "./garbage.ts";
import { describeGpu } from "./gpu-name.ts";
import { type Probe, probe } from "./probe.ts";

export const deviceNames = ["cpu", "webgpu", "cuda"] as const;
export type DeviceName = (typeof deviceNames)[number];

/** A device, as `pushforward devices` lists it. */
export interface FoundDevice {
  readonly device: DeviceName;
  readonly available: boolean;
  /** The name of the hardware or of its driver, as far as it is known. */
  readonly name?: string;
  /** Whether a program on the CPU stands in for a GPU: its times say nothing of one. */
  readonly isSoftware?: boolean;
  /** Bytes. */
  readonly largestTensor?: number;
  /** What there is to know; why the device is not available. */
  readonly note?: string;
  /** What to do to have it. */
  readonly fix?: string;
}

/**
 * All devices, in the order of `deviceNames`. The first call takes a second or more, because each GPU is tried in a process of its own:
 * a driver may end the process that tries it.
 */
export const findDevices = (): Promise<readonly FoundDevice[]> => Promise.all(deviceNames.map(findDevice));

const found = new Map<DeviceName, Promise<FoundDevice>>();

function findDevice(device: DeviceName): Promise<FoundDevice> {
  const finding = found.get(device) ?? finders[device]();
  found.set(device, finding);
  return finding;
}

const finders: Readonly<Record<DeviceName, () => Promise<FoundDevice>>> = {
  cpu: async () => ({ device: "cpu", available: true, name: cpus()[0]?.model.trim() ?? "unknown" }),
  webgpu: async () => webGpu(await probe("webgpu")),
  cuda: async () => cuda(await probe("cuda")),
};

/** What a probe tells of WebGPU. */
export function webGpu(
  { runs, said, libraries, largestBuffer }: Probe,
  platform: string = process.platform,
): FoundDevice {
  const device = "webgpu";
  if (runs) {
    const limit = largestBuffer === undefined ? {} : { largestTensor: largestBuffer };
    return { device, available: true, ...describeGpu(libraries, platform), ...limit };
  }
  const refused = (note: string, fix: string): FoundDevice => ({ device, available: false, note, fix });
  if (/backend not found|not (available|supported) on this platform/i.test(said)) {
    return refused(
      `This build of ONNX Runtime has no WebGPU for ${process.platform} ${process.arch}.`,
      "Use the CPU, or a machine with Linux or Windows on x64, or macOS.",
    );
  }
  if (/Couldn't load Vulkan/.test(said)) {
    return refused(
      "There is no Vulkan loader (libvulkan.so.1).",
      "Install it, and the Vulkan driver of the GPU: on Debian and Ubuntu `apt install libvulkan1 mesa-vulkan-drivers`, or NVIDIA's driver.",
    );
  }
  if (/Found no drivers|VK_ERROR_INCOMPATIBLE_DRIVER/.test(said)) {
    return refused(
      "The Vulkan loader finds no driver.",
      "Install the Vulkan driver of the GPU: `apt install mesa-vulkan-drivers` for AMD and Intel, NVIDIA's driver for NVIDIA. In a container, give it the GPU.",
    );
  }
  if (/No supported adapters|Failed to get a WebGPU adapter/.test(said)) {
    return refused(
      "No GPU of this machine can do what WebGPU needs.",
      "Install a newer driver. Mesa's software driver (lavapipe) is refused where it is older than the one of 2024.",
    );
  }
  return refused(`WebGPU does not work here: ${lastLine(said)}.`, "Install a newer driver of the GPU, or use the CPU.");
}

/** What a probe tells of CUDA. */
export function cuda({ runs, said }: Probe): FoundDevice {
  const device = "cuda";
  if (runs) return { device, available: true, name: "NVIDIA", note: NOT_TESTED };
  if (/backend not found|Failed to load shared library|not (available|supported)/i.test(said)) {
    return {
      device,
      available: false,
      note: "This build of ONNX Runtime has no CUDA.",
      fix: "Use webgpu. On Linux x64, `npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12` adds CUDA 12; it is not tested.",
    };
  }
  return {
    device,
    available: false,
    note: `CUDA does not work here: ${lastLine(said)}.`,
    fix: "Use webgpu, or install CUDA 12 and cuDNN 9.",
  };
}

const NOT_TESTED = "This device is passed to ONNX Runtime and is not tested.";

function lastLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.findLast((line) => line !== "")?.replace(/\.$/, "") ?? "it says nothing";
}

export interface DeviceOptions extends BackendOptions {
  /** Where to compute; the CPU by default. */
  readonly device?: DeviceName;
  /** Is told what a user should know of the device: what it gets wrong, for example. */
  readonly notice?: (text: string) => void;
}

/**
 * The backend of a device. What a GPU lacks or gets wrong is computed on the CPU.
 *
 * @throws PushforwardError `usage` if there is no such device here, with the reason and what to do; or if `threads` is not a whole number
 * of at least 1
 */
export async function openDevice({
  device = "cpu",
  notice = () => undefined,
  ...options
}: DeviceOptions = {}): Promise<Backend> {
  if (!deviceNames.includes(device)) {
    throw new PushforwardError("usage", {
      what: `There is no device "${device}".`,
      where: { option: "device" },
      fix: `Choose one of ${deviceNames.join(", ")}.`,
    });
  }
  const cpu = createBackend(options);
  if (device === "cpu") return cpu;
  const { available, name, isSoftware, note, fix, largestTensor = 2 ** 27 } = await findDevice(device);
  if (!available) {
    throw new PushforwardError("usage", {
      what: `The device "${device}" is not available. ${note}`,
      where: { option: "device" },
      ...(fix === undefined ? {} : { fix }),
    });
  }
  if (note !== undefined) notice(note);
  if (isSoftware)
    notice(`The device "${device}" is ${name}, a program on the CPU that stands in for a GPU: it is slow.`);
  const description = `${RUNTIME} ${device} (${name}); its bytes do not repeat`;
  if (device === "cuda") return believed(createBackend(options, device), cpu, notice);
  const ort = await import("onnxruntime-node"); // In this thread only for a GPU.
  ort.env.logLevel = "fatal"; // What goes wrong is told by errors, in words.
  return believed(
    deviceBackend(ort, { device, provider: [device], description, largestTensor, noteHeld }),
    cpu,
    notice,
  );
}
