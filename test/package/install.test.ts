import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../docs/markdown.ts";

const run = promisify(execFile);
const tsc = join(root, "node_modules/typescript/bin/tsc");
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" };
const unreachable = /ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|ENOTCACHED|network/;

let folder: string;
let packed: Awaited<ReturnType<typeof pack>>;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "pushforward-package-")));
  packed = await pack();
});
afterAll(() => rm(folder, { recursive: true }));

interface PackedFile {
  readonly path: string;
}

/** The tarball as npm makes it of what is compiled. */
async function pack(): Promise<{ tarball: string; files: readonly string[]; size: number }> {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const [report] = JSON.parse((await run("npm", args, { cwd: root })).stdout);
  const files = (report.files as PackedFile[]).map(({ path }) => path);
  return { tarball: join(folder, report.filename), files, size: report.size };
}

/** Installs into a new folder; says why where no registry answers. */
async function install(from: string, into: string): Promise<string | undefined> {
  await mkdir(join(folder, into));
  const args = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--fetch-retries=1", from];
  try {
    await run("npm", args, { cwd: join(folder, into), env });
    return undefined;
  } catch (cause) {
    const { stderr } = cause as { stderr: string };
    if (!unreachable.test(stderr)) throw cause;
    return `no package registry answers: ${/^npm (?:error|ERR!) .*$/m.exec(stderr)?.[0]}`;
  }
}

test("the package holds what is compiled, the documents and the example, and nothing else", () => {
  const { files, size } = packed;
  const unwanted = files.filter(
    (path) => !/^(dist|docs|examples)\/|^(CHANGELOG|README)\.md$|^LICENSE$|^package\.json$/.test(path),
  );
  expect(unwanted).toEqual([]);
  expect(files.filter((path) => /tsbuildinfo|(^|\/)(shared|node_modules|test)\//.test(path))).toEqual([]);
  for (const needed of [
    "dist/apps/cli/main.js",
    "dist/apps/node/index.js",
    "dist/apps/node/index.d.ts",
    "dist/apps/web/index.js",
    "dist/apps/web/index.d.ts",
    "docs/command-line.md",
    "docs/images/digits-spectra.png",
    "examples/digits/digits.onnx",
    "README.md",
    "LICENSE",
  ]) {
    expect(files).toContain(needed);
  }
  // Code and documents, and no data by accident.
  expect(size).toBeLessThan(2.5e6);
});

const digits = "node_modules/pushforward/examples/digits";
const program = `
import { loadInput, openModel, presets } from "pushforward";
import * as forNode from "pushforward/node";

const same: boolean = openModel === forNode.openModel;
const net = await openModel("${digits}/digits.onnx");
const at = await loadInput("${digits}/images/3-0013.png", { ...presets.mnist, scale: 1 / 255 });
const J = await net.jacobian({ at, from: "image", to: "logits" });
const { sigma, certificate } = await J.svd({ k: 10 });
const largest: number = sigma[0]!;
console.log(same, largest.toFixed(2), certificate.stopped);
await net.close();
`;

describe("installed from its tarball into an empty folder", { timeout: 120_000 }, () => {
  let missing: string | undefined;
  let place: string;
  beforeAll(async () => {
    missing = await install(packed.tarball, "tarball");
    place = join(folder, "tarball");
  }, 180_000);

  test("the command runs", async ({ skip }) => {
    skip(missing !== undefined, missing);
    const { version } = (await import(join(root, "package.json"), { with: { type: "json" } })).default;
    const npx = (...args: readonly string[]) => run("npx", ["pushforward", ...args], { cwd: place });
    expect((await npx("--version")).stdout).toBe(`${version}\n`);
    expect((await npx("inspect", `${digits}/digits.onnx`)).stdout).toMatch(/^logits +Gemm +10 +cut/m);
    const inputs = [`${digits}/digits.onnx`, `${digits}/images/3-0013.png`];
    const options = ["--preprocess", `${digits}/preprocess.json`, "--taps", "logits", "--json", "--out", "run"];
    const { sigma } = JSON.parse((await npx("spectrum", ...inputs, ...options)).stdout);
    expect(sigma[0]).toBeCloseTo(18.78, 2);
    expect((await npx("report", "run")).stdout).toBe("run/report.html\n");
  });

  test("both imports are the library", async ({ skip }) => {
    skip(missing !== undefined, missing);
    await writeFile(join(place, "use.mts"), program);
    const options = ["--strict", "--module", "nodenext", "--skipLibCheck", "false"];
    await run(process.execPath, [tsc, ...options, "use.mts"], { cwd: place });
    expect((await run(process.execPath, ["use.mjs"], { cwd: place })).stdout).toBe("true 18.78 all-converged\n");
  });

  test.each([
    { module: "nodenext", types: [], lib: ["es2022"] },
    { module: "esnext", moduleResolution: "bundler", target: "es2022" },
  ])("its types are whole where libraries are checked too, with %j", async (options) => {
    if (missing !== undefined) return;
    await writeFile(
      join(place, "types.mts"),
      program.replace(/console.*\n/, "export { largest, same, certificate };\n"),
    );
    await writeFile(join(place, "browser.mts"), inBrowser);
    const compilerOptions = { strict: true, noEmit: true, skipLibCheck: false, ...options };
    for (const file of ["types.mts", "browser.mts"]) {
      await writeFile(join(place, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }));
      const errors = await run(process.execPath, [tsc, "-p", "."], { cwd: place }).catch(({ stdout }) => ({ stdout }));
      expect([file, errors.stdout]).toEqual([file, ""]);
    }
  });
});

/** The same in a browser, whose bundler or page brings ONNX Runtime. */
const inBrowser = `
import { loadInput, openModel, presets, type Source } from "pushforward/browser";

export async function largest(file: File, picture: Source): Promise<number> {
  const net = await openModel(file, { threads: 2, wasmPaths: "/ort/" });
  const J = await net.jacobian({ at: await loadInput(picture, presets.mnist), to: "logits" });
  return (await J.svd({ k: 1 })).sigma[0]!;
}
`;

test("installed from a git address, it is compiled on the way", { timeout: 240_000 }, async ({ skip }) => {
  const list = ["ls-files", "--cached", "--others", "--exclude-standard"];
  const listed = await run("git", list, { cwd: root }).catch(() => undefined);
  skip(listed === undefined, "this is no git repository");
  const repository = join(folder, "repository");
  for (const file of listed!.stdout.trim().split("\n")) {
    await mkdir(dirname(join(repository, file)), { recursive: true });
    await copyFile(join(root, file), join(repository, file)).catch(() => undefined); // deleted and not committed
  }
  const git = (...args: readonly string[]) => run("git", args, { cwd: repository });
  await git("init", "--quiet");
  await git("add", "--all");
  await git("-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "-m", "all");
  const missing = await install(`git+file://${repository}`, "git");
  skip(missing !== undefined, missing);
  const place = join(folder, "git");
  const { stdout } = await run("npx", ["pushforward", "inspect", `${digits}/digits.onnx`], { cwd: place });
  expect(stdout).toMatch(/^logits +Gemm +10 +cut/m);
  await writeFile(join(place, "use.mjs"), program.replace(/: (boolean|number)|!/g, ""));
  expect((await run(process.execPath, ["use.mjs"], { cwd: place })).stdout).toBe("true 18.78 all-converged\n");
});
