import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** The build of the explorer's page: static files that refer to each other by relative addresses. */
export default defineConfig({
  root: fileURLToPath(new URL("page", import.meta.url)),
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2023", emptyOutDir: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  worker: { format: "es" },
});
