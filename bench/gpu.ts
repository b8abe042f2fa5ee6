// Products, a solve and the paper's figure 3 on the GPU against the CPU of the same machine, by WebGPU: `npm run bench:gpu`. Printed, and
// written to bench/results/gpu.json with the name of the device. Where there is no GPU, or only a program that stands in for one, it
// says so and ends; with `--anyway` it runs on that, and writes nothing. `--inputs 2` and `--k 20` make figure 3 smaller.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Network, openModel } from "../src/apps/node/index.ts";
import { createRng, gaussianArray, sizeOf } from "../src/base/index.ts";
import type { Jacobian } from "../src/jacobian/index.ts";
import { sourceSize, targetSize } from "../src/operator/index.ts";
import { type FoundDevice, findDevices } from "../src/platform/node/devices.ts";
import { sharedDir } from "../test/support/shared.ts";
import { type ResultTable, writeResult } from "./result.ts";
import { interleaved, type Timing } from "./timing.ts";

const ROWS = 32;
const { values } = parseArgs({
  options: {
    anyway: { type: "boolean", default: false },
    rounds: { type: "string", default: "15" },
    inputs: { type: "string", default: "16" },
    k: { type: "string", default: "500" },
  },
});
const models = (name: string) => join(sharedDir ?? "", "data", "models", name);
const alexnet = models("alexnet-trunk.onnx");
const cases = [
  { file: fileURLToPath(new URL("../examples/digits/digits.onnx", import.meta.url)), tap: "conv3", k: 20 },
  { file: models("squeezenet1.1.onnx"), tap: "fire9.concat", k: 100 },
  { file: alexnet, tap: "pool5", k: 100 },
].filter(({ file }) => existsSync(file));

const device = (await findDevices()).find((one) => one.device === "webgpu")!;
const obstacle = reasonToSkip(device);
if (obstacle === undefined) await compare(device);
else console.log(`skipped: ${obstacle}`);

function reasonToSkip({ available, isSoftware, name, note, fix }: FoundDevice): string | undefined {
  if (!available) return `${note} ${fix}`;
  if (!isSoftware || values.anyway) return undefined;
  return `the only device is ${name}, a program on the CPU that stands in for a GPU: its times say nothing of one. (--anyway runs it.)`;
}

async function compare({ name, isSoftware }: FoundDevice): Promise<void> {
  const tables: ResultTable[] = [await productsAndSolves()];
  if (existsSync(alexnet)) tables.push(await figure3OnBoth());
  console.log(`Device: ${name}`);
  for (const { title, columns, rows } of tables) {
    console.log([title, columns.join("\t"), ...rows.map((row) => row.join("\t"))].join("\n"));
  }
  if (!isSoftware) console.log(`written to ${writeResult("gpu", "npm run bench:gpu", tables, { webgpu: name! })}`);
}

async function productsAndSolves(): Promise<ResultTable> {
  const rows: ResultTable["rows"][number][] = [];
  for (const { file, tap, k } of cases) {
    const notices: string[] = [];
    const cpu = await openModel(file);
    const gpu = await openModel(file, { device: "webgpu", notice: (text) => notices.push(text) });
    const point = gaussianArray(createRng(0, tap), sizeOf(cpu.input.shape));
    const [onCpu, onGpu] = [await cpu.jacobian({ at: point, to: tap }), await gpu.jacobian({ at: point, to: tap })];
    const [byCpu, byGpu] = [products(onCpu), products(onGpu)];
    const times = await interleaved(
      { cpuJ: byCpu.forward, gpuJ: byGpu.forward, cpuJt: byCpu.backward, gpuJt: byGpu.backward },
      Number(values.rounds),
    );
    const [here, there] = [await timedSolve(onCpu, k), await timedSolve(onGpu, k)];
    const gap = Math.max(...here.sigma.map((value, i) => Math.abs(value - there.sigma[i]!))) / here.sigma[0]!;
    const per = ({ median }: Timing) => median / ROWS;
    rows.push([
      `${file.split("/").at(-1)} → ${tap}`,
      ...[per(times.cpuJ), per(times.gpuJ), per(times.cpuJt), per(times.gpuJt)],
      ...[k, here.seconds, there.seconds, here.seconds / there.seconds, gap],
      gpu.backend.exceptions?.length ?? 0,
    ]);
    await close(cpu, gpu);
  }
  return {
    title: "Products and solves, CPU and GPU",
    note: `Milliseconds a vector in blocks of ${ROWS} (median of ${values.rounds} rounds, in which all take turns; a row is read, so that the device is done), and seconds of a solve. *gap*: the largest difference of σ, relative to σ_1. *on CPU*: graphs that the device got wrong.`,
    columns: ["network", "J cpu", "J gpu", "Jᵀ cpu", "Jᵀ gpu", "k", "solve cpu", "solve gpu", "ratio", "gap", "on CPU"],
    rows,
  };
}

/** Products with blocks, which are done when a row of them is read. */
function products(J: Jacobian) {
  const random = (length: number) => J.algebra.upload(gaussianArray(createRng(1, length), ROWS * length), ROWS);
  const [v, u] = [random(sourceSize(J)), random(targetSize(J))];
  const [tangents, cotangents] = [J.algebra.allocate(ROWS, u.length), J.algebra.allocate(ROWS, v.length)];
  return {
    forward: async () => (await J.apply(v, { into: tangents })).range(0, 1).read(),
    backward: async () => (await J.applyTranspose(u, { into: cotangents })).range(0, 1).read(),
  };
}

async function timedSolve(J: Jacobian, k: number) {
  const started = performance.now();
  const { sigma } = await J.svd({ k });
  return { sigma, seconds: (performance.now() - started) / 1000 };
}

async function figure3OnBoth(): Promise<ResultTable> {
  const { figure3, timedCommand } = await import("./figure3-command.ts"); // It needs the shared folder.
  const command = [...figure3(Number(values.inputs), values.k), "--json", "--no-plan"];
  const rows = [];
  for (const on of ["cpu", "webgpu"]) rows.push([on, (await timedCommand([...command, "--device", on])).seconds / 60]);
  return {
    title: `Figure 3: AlexNet's trunk, ${values.inputs} pictures, ten taps, k = ${values.k}`,
    note: "One command for each device.",
    columns: ["device", "minutes"],
    rows,
  };
}

async function close(...networks: readonly Network[]): Promise<void> {
  for (const network of networks) await network.close();
}
