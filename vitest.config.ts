import { defineConfig } from "vitest/config";
import { useChromiumVulkan } from "./test/support/vulkan.ts";

useChromiumVulkan(process.env);

export default defineConfig({
  test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000, pool: "forks" },
});
