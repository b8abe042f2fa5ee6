import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface GpuName {
  readonly name: string;
  readonly isSoftware: boolean;
}

/** Drivers by their libraries, hardware first: where several are loaded, WebGPU prefers a GPU. */
const drivers: readonly { readonly library: RegExp; readonly name: () => string; readonly isSoftware?: boolean }[] = [
  { library: /libGLX_nvidia|libnvidia-/, name: () => nvidiaModel() ?? "NVIDIA" },
  { library: /libvulkan_radeon|amdvlk/, name: () => "AMD" },
  { library: /libvulkan_intel/, name: () => "Intel" },
  { library: /libvulkan_nouveau/, name: () => "NVIDIA (nouveau)" },
  { library: /libvulkan_asahi/, name: () => "Apple (Asahi)" },
  { library: /libvk_swiftshader/, name: () => "SwiftShader", isSoftware: true },
  { library: /libvulkan_lvp/, name: () => "llvmpipe", isSoftware: true },
];

/** The name of the GPU by the libraries that were loaded for it, because ONNX Runtime does not tell it. */
export function describeGpu(libraries: readonly string[], platform: string): GpuName {
  const driver = drivers.find(({ library }) => libraries.some((path) => library.test(path)));
  if (driver !== undefined) return { name: driver.name(), isSoftware: driver.isSoftware ?? false };
  const names: Readonly<Record<string, string>> = { darwin: "GPU by Metal", win32: "GPU by Direct3D 12" };
  return { name: names[platform] ?? "GPU by Vulkan", isSoftware: false };
}

const NVIDIA = "/proc/driver/nvidia/gpus";

/** The models of NVIDIA's GPUs, as their driver tells. */
function nvidiaModel(): string | undefined {
  if (!existsSync(NVIDIA)) return undefined;
  const texts = readdirSync(NVIDIA).map((gpu) => readFileSync(join(NVIDIA, gpu, "information"), "utf8"));
  return texts.map((text) => /^Model:\s*(.+)$/m.exec(text)?.[1]?.trim()).find((model) => model !== undefined);
}
