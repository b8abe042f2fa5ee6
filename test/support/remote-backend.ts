import { type Shape, sameShape } from "../../src/base/index.ts";
import { type OnnxModel, readModel, type Tensor, writeModel } from "../../src/onnx/index.ts";
import {
  type Backend,
  createAlgebra,
  type DeviceTensor,
  type Executable,
  type Feeds,
} from "../../src/runtime/index.ts";

/** A part of a tensor that another process holds. */
interface Place {
  readonly id: number;
  readonly start: number;
  readonly shape: Shape;
}

type RemoteFeeds = Readonly<Record<string, Tensor | Place>>;

/** What a process that holds a backend is asked, by messages. */
export interface BackendHost {
  about(): Promise<Pick<Backend, "device" | "description" | "can">>;
  compile(executable: number, model: Uint8Array): Promise<void>;
  run(executable: number, feeds: RemoteFeeds, fetches: readonly string[]): Promise<Record<string, Tensor>>;
  /** Results go to the places that are given, or stay under new numbers. */
  compute(
    executable: number,
    feeds: RemoteFeeds,
    fetches: readonly string[],
    into: Readonly<Record<string, Place>>,
    numbers: Readonly<Record<string, number>>,
  ): Promise<Record<string, Pick<Tensor, "type" | "shape">>>;
  release(executable: number): Promise<void>;
  upload(id: number, tensor: Tensor): Promise<void>;
  allocate(id: number, shape: Shape): Promise<void>;
  read(place: Place): Promise<Tensor>;
  dispose(id: number): Promise<void>;
  columns(what: "select" | "scatter", x: Place, positions: Uint32Array, into: Place): Promise<void>;
  close(): Promise<void>;
}

/** The side of the process that has the backend. */
export function hostOf(open: () => Promise<Backend>): BackendHost {
  const opened = open();
  const [executables, tensors] = [new Map<number, Executable>(), new Map<number, DeviceTensor>()];
  const placed = ({ id, start, shape }: Place): DeviceTensor => {
    const whole = tensors.get(id)!;
    return start === 0 && sameShape(shape, whole.shape) ? whole : whole.view(start, shape);
  };
  const fed = (feeds: RemoteFeeds): Feeds =>
    Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, "id" in feed ? placed(feed) : feed]));
  const plain = ({ type, shape, data }: Tensor): Tensor => ({ type, shape, data });
  return {
    async about() {
      const { device, description, can } = await opened;
      return { device, description, can };
    },
    async compile(id, bytes) {
      executables.set(id, await (await opened).compile(await readModel(bytes)));
    },
    async run(id, feeds, fetches) {
      const results = await executables.get(id)!.run(fed(feeds), fetches);
      return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, plain(tensor)]));
    },
    async compute(id, feeds, fetches, into, numbers) {
      const places = Object.fromEntries(Object.entries(into).map(([name, place]) => [name, placed(place)]));
      const results = await executables.get(id)!.compute(fed(feeds), fetches, places);
      for (const [name, number] of Object.entries(numbers)) tensors.set(number, results[name]!);
      return Object.fromEntries(
        Object.entries(results).map(([name, { type, shape }]) => {
          if (name in places && results[name] !== places[name])
            throw new Error("a result is not where it was asked for");
          return [name, { type, shape }];
        }),
      );
    },
    release: (id) => executables.get(id)!.release(),
    upload: async (id, tensor) => void tensors.set(id, (await opened).upload(tensor)),
    allocate: async (id, shape) => void tensors.set(id, (await opened).allocate(shape)),
    read: async (place) => plain(await placed(place).read()),
    dispose: async (id) => tensors.get(id)!.dispose(),
    columns: async (what, x, positions, into) => (await opened).columns![what](placed(x), positions, placed(into)),
    close: async () => (await opened).dispose(),
  };
}

/** A backend that another process holds. */
export async function remoteBackend(
  ask: <T>(what: keyof BackendHost, ...args: readonly unknown[]) => Promise<T>,
): Promise<Backend> {
  let count = 0;
  // Uploads answer at once, and what follows comes after them.
  let pending: Promise<unknown> = Promise.resolve();
  const inOrder = <T>(what: keyof BackendHost, ...args: readonly unknown[]): Promise<T> => {
    const answer = pending.then(() => ask<T>(what, ...args));
    pending = answer.catch(() => undefined);
    return answer;
  };
  class RemoteTensor implements DeviceTensor {
    readonly type: Tensor["type"];
    readonly shape: Shape;
    readonly id: number;
    readonly start: number | undefined;
    constructor(type: Tensor["type"], shape: Shape, id: number, start?: number) {
      [this.type, this.shape, this.id, this.start] = [type, shape, id, start];
    }
    get place(): Place {
      return { id: this.id, start: this.start ?? 0, shape: this.shape };
    }
    view = (start: number, shape: Shape) => new RemoteTensor(this.type, shape, this.id, (this.start ?? 0) + start);
    read = (): Promise<Tensor> => inOrder("read", this.place);
    dispose(): void {
      if (this.start === undefined) void inOrder("dispose", this.id);
    }
    [Symbol.dispose] = () => this.dispose();
  }
  const sent = (feeds: Feeds): RemoteFeeds =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, tensor]) => [
        name,
        tensor instanceof RemoteTensor ? tensor.place : (tensor as Tensor),
      ]),
    );
  const compile = async (model: OnnxModel): Promise<Executable> => {
    const id = count++;
    await inOrder("compile", id, writeModel(model));
    return {
      run: (feeds, fetches) => inOrder("run", id, sent(feeds), fetches),
      async compute(feeds, fetches, into = {}) {
        const places = Object.entries(into).map(([name, tensor]) => [name, (tensor as RemoteTensor).place] as const);
        const numbers = new Map(fetches.filter((name) => !(name in into)).map((name) => [name, count++]));
        const asked = [Object.fromEntries(places), Object.fromEntries(numbers)] as const;
        const results = await inOrder<Record<string, Tensor>>("compute", id, sent(feeds), fetches, ...asked);
        const given = (name: string) =>
          into[name] ?? new RemoteTensor(results[name]!.type, results[name]!.shape, numbers.get(name)!);
        return Object.fromEntries(fetches.map((name) => [name, given(name)]));
      },
      release: () => inOrder("release", id),
    };
  };
  const { device, description, can } = await inOrder<Awaited<ReturnType<BackendHost["about"]>>>("about");
  const put = (what: "upload" | "allocate", type: Tensor["type"], shape: Shape, content: unknown) => {
    const id = count++;
    void inOrder(what, id, content);
    return new RemoteTensor(type, shape, id);
  };
  const moved = (what: "select" | "scatter") => (x: DeviceTensor, positions: Uint32Array, into: DeviceTensor) =>
    inOrder<void>("columns", what, (x as RemoteTensor).place, positions, (into as RemoteTensor).place);
  const memory = {
    upload: ({ type, shape, data }: Tensor) => put("upload", type, shape, { type, shape, data }),
    allocate: (shape: Shape) => put("allocate", "float32", shape, shape),
    columns: { select: moved("select"), scatter: moved("scatter") },
  };
  return {
    device,
    description,
    can,
    algebra: createAlgebra({ device, can, compile, ...memory }),
    compile,
    ...memory,
    dispose: () => inOrder("close"),
  };
}
