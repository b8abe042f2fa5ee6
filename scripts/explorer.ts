// Builds the explorer as a static site: npm run explorer [-- --scene-only]. The site is written to site/.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { makeScene } from "./explorer-scene.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const site = join(root, "site");

await rm(site, { recursive: true, force: true });
await build({ configFile: join(root, "src/apps/explorer/vite.config.ts"), build: { outDir: site } });
await mkdir(join(site, "scene"), { recursive: true });
const started = Date.now();
for (const [name, bytes] of await makeScene((line) => process.stderr.write(`${line}\n`))) {
  await writeFile(join(site, "scene", name), bytes);
}
process.stderr.write(`scene: ${Math.round((Date.now() - started) / 1000)} s\n`);
