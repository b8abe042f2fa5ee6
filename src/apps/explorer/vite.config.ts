import { fileURLToPath } from "node:url";
import { defaultClientConditions, defineConfig } from "vite";
import { version } from "../node/versions.ts";

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A service worker is found by its name, which must not change, and in the folder of the page. So is the script of reports. */
const isFound = new Set(["service-worker", "report"]);

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
      input: {
        index: file("page/index.html"),
        report: file("page/report/report.ts"),
        "service-worker": file("offline/service-worker.ts"),
      },
      output: {
        entryFileNames: ({ name }) => (isFound.has(name) ? "[name].js" : "assets/[name]-[hash].js"),
      },
    },
  },
  worker: { format: "es" },
});
