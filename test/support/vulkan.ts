import { existsSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { chromiumPath } from "./chromium.ts";

/** Folders in which Chromium's package may lie, with a Vulkan loader and SwiftShader, its GPU in software. */
const folders = [
  ...(chromiumPath === undefined ? [] : [dirname(realpathSync(chromiumPath))]),
  "/usr/lib/chromium",
  "/usr/lib/chromium-browser",
  "/usr/lib64/chromium-browser",
  "/opt/google/chrome",
];
const driver = "vk_swiftshader_icd.json";
/** Where systems and their packages list drivers. */
const driverLists = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

/**
 * Lets processes that start from now on find the Vulkan of Chromium, where the system has none of its own. The loader is found by a
 * variable that a process reads when it starts.
 */
export function useChromiumVulkan(env: NodeJS.ProcessEnv): void {
  if (env.VK_ICD_FILENAMES || env.VK_DRIVER_FILES || driverLists.some((list) => existsSync(list))) return;
  const folder = folders.find((place) => existsSync(join(place, driver)) && existsSync(join(place, "libvulkan.so.1")));
  if (folder === undefined) return;
  env.VK_ICD_FILENAMES = join(folder, driver);
  env.LD_LIBRARY_PATH = [folder, env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  env.XDG_RUNTIME_DIR ||= tmpdir();
}
