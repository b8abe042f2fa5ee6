import { fileURLToPath } from "node:url";
import { defaultClientConditions, defineConfig } from "vite";
import { version } from "../node/versions.ts";

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The build of the explorer's page: static files that refer to each other by relative addresses. */
export default defineConfig({
  root: file("page"),
  base: "./",
  // The files of ONNX Runtime lie in ort/: they are not taken into the bundle.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  define: { PUSHFORWARD_VERSION: JSON.stringify(version) },
  build: {
    target: "es2023",
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: file("page/index.html"), "service-worker": file("offline/service-worker.ts") },
      // A service worker is found by its name, which must not change, and in the folder of the page.
      output: {
        entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js"),
      },
    },
  },
  worker: { format: "es" },
});
