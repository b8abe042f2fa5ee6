import { messageOf } from "../base/index.ts";
import { type Attribute, castTo, type Graph, type OnnxModel, type Tensor } from "../onnx/index.ts";
import { agree, shapeClass, withRandomBlocks } from "./agreement.ts";
import { createAlgebra } from "./algebra.ts";
import type { Backend, CompileOptions, Executable, Feeds } from "./backend.ts";
import { Block } from "./block.ts";
import type { DeviceTensor } from "./device-tensor.ts";
import { HostTensor } from "./host-tensor.ts";

/**
 * A device whose graphs are compared with the CPU before they are believed: each graph twice on one block of random vectors, for each
 * class of shapes. A graph that the device gets wrong, gets differently from one time to the next, or does not run, runs on the CPU from
 * then on; `notice` is told, and so is `exceptions`.
 *
 * Graphs with float64, and those whose operands are all in JavaScript, run on the CPU at once. So the pass at a point has the same bytes
 * on every device.
 */
export function believed(device: Backend, cpu: Backend, notice: (text: string) => void): Backend {
  const exceptions: string[] = [];
  const refuse = (text: string) => {
    if (exceptions.includes(text)) return;
    exceptions.push(text);
    notice(text);
  };
  const compile = async (model: OnnxModel, options: CompileOptions = {}): Promise<Executable> => {
    const onCpu = await cpu.compile(model, options); // Also tells what is wrong with a graph that nothing can run.
    if (usesFloat64(model.graph)) return new Believed({ model, device, cpu, refuse, onCpu, believable: false });
    return new Believed({ model, device, cpu, refuse, onCpu, believable: true });
  };
  const { can, upload, allocate } = device;
  return {
    ...device,
    exceptions,
    algebra: createAlgebra({
      ...{ device: device.device, compile, upload, allocate, can },
      ...(can.float64 ? {} : { float64: cpu.algebra }),
    }),
    compile,
    async dispose() {
      await device.dispose();
      await cpu.dispose();
    },
  };
}

interface Parts {
  readonly model: OnnxModel;
  readonly device: Backend;
  readonly cpu: Backend;
  readonly refuse: (text: string) => void;
  readonly onCpu: Executable;
  readonly believable: boolean;
}

class Believed implements Executable {
  readonly #parts: Parts;
  readonly #beliefs = new Map<string, Promise<boolean>>();
  #onCpu: Promise<Executable> | undefined;
  #onDevice: Promise<Executable> | undefined;
  #believable: boolean;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#onCpu = Promise.resolve(parts.onCpu);
    this.#believable = parts.believable;
  }

  async run(feeds: Feeds, fetches: readonly string[]): Promise<Record<string, Tensor>> {
    const here = isHere(feeds);
    if (!here && (await this.#believes(feeds, fetches))) return (await this.#device()).run(feeds, fetches);
    return (await this.#cpu()).run(here ? feeds : await inJavaScript(feeds), fetches);
  }

  async compute(
    feeds: Feeds,
    fetches: readonly string[],
    into: Readonly<Record<string, DeviceTensor>> = {},
  ): Promise<Record<string, DeviceTensor>> {
    const here = isHere(feeds);
    if (!here && (await this.#believes(feeds, fetches))) return (await this.#device()).compute(feeds, fetches, into);
    const results = await (await this.#cpu()).run(here ? feeds : await inJavaScript(feeds), fetches);
    const placed: Record<string, DeviceTensor> = {};
    for (const name of fetches) placed[name] = await this.#place(results[name]!, into[name]);
    return placed;
  }

  async release(): Promise<void> {
    const [onCpu, onDevice] = [this.#onCpu, this.#onDevice];
    [this.#onCpu, this.#onDevice] = [undefined, undefined];
    await (await onCpu)?.release();
    await (await onDevice)?.release();
  }

  #cpu(): Promise<Executable> {
    this.#onCpu ??= this.#parts.cpu.compile(this.#parts.model);
    return this.#onCpu;
  }

  #device(): Promise<Executable> {
    this.#onDevice ??= this.#parts.device.compile(this.#parts.model);
    return this.#onDevice;
  }

  async #believes(feeds: Feeds, fetches: readonly string[]): Promise<boolean> {
    if (!this.#believable) return false;
    const shapes = `${shapeClass(this.#parts.model, feeds)}: ${fetches.join(" ")}`;
    const belief = this.#beliefs.get(shapes) ?? this.#compare(feeds, fetches);
    this.#beliefs.set(shapes, belief);
    return belief;
  }

  /** Whether the device computes the graph as the CPU does, twice. Afterwards, the executable of the other one is freed. */
  async #compare(feeds: Feeds, fetches: readonly string[]): Promise<boolean> {
    const { model, device, refuse } = this.#parts;
    const name = model.graph.name;
    const tried = await withRandomBlocks(model, feeds);
    const expected = await (await this.#cpu()).run(tried, fetches);
    let problem: string | undefined;
    try {
      const onDevice = await this.#device();
      for (let time = 0; time < 2 && problem === undefined; time++) {
        const results = await readAll(await onDevice.compute(tried, fetches));
        if (!agree(model, tried, results, expected)) problem = `The device ${device.device} computes ${name} wrongly`;
      }
    } catch (cause) {
      problem = `The device ${device.device} cannot compute ${name} (${messageOf(cause)})`;
    }
    const unused = problem === undefined ? this.#onCpu : this.#onDevice;
    if (problem === undefined) {
      this.#onCpu = undefined;
    } else {
      this.#onDevice = undefined;
      this.#believable = false;
      refuse(`${problem}; it is computed on the CPU.`);
    }
    await (await unused?.catch(() => undefined))?.release();
    return problem === undefined;
  }

  /** A result of the CPU on the device, in its place if it has one. */
  async #place(result: Tensor, into: DeviceTensor | undefined): Promise<DeviceTensor> {
    const { device } = this.#parts;
    if (into === undefined) return device.upload(result);
    const size = result.data.length;
    if (size === 0) return into;
    using source = new Block(device.upload({ ...result, shape: [1, size] }));
    await device.algebra.copy(source, new Block(into.view(0, [1, size])));
    return into;
  }
}

const isOnDevice = (tensor: Tensor | DeviceTensor): tensor is DeviceTensor =>
  "read" in tensor && !(tensor instanceof HostTensor);

const isHere = (feeds: Feeds): boolean => !Object.values(feeds).some(isOnDevice);

async function inJavaScript(feeds: Feeds): Promise<Record<string, Tensor>> {
  const entries = Object.entries(feeds).map(
    async ([name, tensor]) => [name, isOnDevice(tensor) ? await tensor.read() : (tensor as Tensor)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

async function readAll(results: Readonly<Record<string, DeviceTensor>>): Promise<Record<string, Tensor>> {
  const read: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(results)) {
    read[name] = await tensor.read();
    tensor.dispose();
  }
  return read;
}

/** Whether a graph computes with float64 anywhere. */
function usesFloat64({ inputs, outputs, initializers, nodes }: Graph): boolean {
  const isFloat64 = ({ type }: { readonly type: Tensor["type"] | undefined }) => type === "float64";
  const holdsFloat64 = ([name, attribute]: readonly [string, Attribute]): boolean => {
    if (attribute.kind === "tensor") return isFloat64(attribute.value);
    if (attribute.kind === "graph") return usesFloat64(attribute.value);
    return attribute.kind === "int" && namesType.has(name) && attribute.value === FLOAT64;
  };
  return (
    [...inputs, ...outputs, ...initializers.values()].some(isFloat64) ||
    nodes.some(({ attributes }) => Object.entries(attributes).some(holdsFloat64))
  );
}

/** The attributes that name a type of entries by its number. */
const namesType: ReadonlySet<string> = new Set(["to", "dtype"]);
const { to } = castTo("float64");
const FLOAT64 = to?.kind === "int" ? to.value : undefined;
