// Builds the explorer as a static site in site/: npm run explorer. --pictures N and -k K make a smaller example.
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { makeDocs } from "./explorer-docs.ts";
import { makeScene } from "./explorer-scene.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({
  options: {
    pictures: { type: "string", default: "16" },
    k: { type: "string", short: "k", default: "100" },
    out: { type: "string", default: "site" },
  },
});
const size = { pictures: Number(values.pictures), k: Number(values.k) };
const site = resolve(root, values.out);

await rm(site, { recursive: true, force: true });
await build({ configFile: join(root, "src/apps/explorer/vite.config.ts"), build: { outDir: site } });
for (const name of ["digits.onnx", "preprocess.json", "labels.tsv", "images"]) {
  await cp(join(root, "examples/digits", name), join(site, "example", name), { recursive: true });
}
for (const name of ["ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]) {
  await cp(join(root, "node_modules/onnxruntime-web/dist", name), join(site, "ort", name));
}
await mkdir(join(site, "scene"));
for (const [name, bytes] of await makeScene(size, (line) => process.stderr.write(`${line}\n`))) {
  await writeFile(join(site, "scene", name), bytes);
}
for (const [name, content] of await makeDocs(root)) {
  await mkdir(dirname(join(site, name)), { recursive: true });
  await writeFile(join(site, name), content);
}
const styles = ["theme.css", "docs/docs.css"].map((name) => readFile(join(root, "src/apps/explorer", name), "utf8"));
await writeFile(join(site, "docs/docs.css"), (await Promise.all(styles)).join(""));
const files = (await readdir(site, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => relative(site, join(entry.parentPath, entry.name)).split(sep).join("/"));
await writeFile(join(site, "files.json"), JSON.stringify(files.sort()));
// What compresses well lies there compressed too, for servers that send such files as they are.
const compressible = new Set([".html", ".js", ".mjs", ".css", ".svg", ".wasm", ".packed"]);
for (const name of files.filter((name) => compressible.has(extname(name)))) {
  await writeFile(join(site, `${name}.gz`), gzipSync(await readFile(join(site, name))));
}
