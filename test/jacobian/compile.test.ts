import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { PushforwardError } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import { type Model, normalize } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { type Backend, evaluateWith } from "../../src/runtime/index.ts";
import { convnet } from "../apps/networks.ts";

/** A backend that counts its sessions, and refuses one from `last` on. */
const runtime = createBackend({ threads: 1 });
const sessions = { open: 0, compiled: 0, last: Number.POSITIVE_INFINITY };
const backend: Backend = {
  ...runtime,
  async compile(graph) {
    if (++sessions.compiled >= sessions.last)
      throw new PushforwardError("backend-failed", { what: "No memory is left." });
    const executable = await runtime.compile(graph);
    sessions.open++;
    let isOpen = true;
    return {
      ...executable,
      async release() {
        if (isOpen) sessions.open--;
        isOpen = false;
        await executable.release();
      },
    };
  },
};
let model: Model;
beforeAll(async () => {
  model = await normalize(convnet(), { evaluate: evaluateWith(runtime) });
});
beforeEach(() => Object.assign(sessions, { open: 0, compiled: 0, last: Number.POSITIVE_INFINITY }));
afterAll(() => runtime.dispose());

test.each([1, 2, 3])("a Jacobian whose graph %i of 3 does not compile holds no session", async (failing) => {
  const network = new Network(model, backend);
  using _ = await network.jacobian({ at: 0.5, to: "logits" });
  expect(sessions.open).toBe(3);
  await network.forget();
  expect(sessions.open).toBe(0);
  const whole = sessions.compiled; // J, Jᵀ and the primal pass come last
  Object.assign(sessions, { compiled: 0, last: whole - 3 + failing });
  await expect(network.jacobian({ at: 0.5, to: "logits" })).rejects.toThrow("No memory is left.");
  expect(sessions.open).toBe(0);
});

test("a Jacobian is compiled once for all points, and again only if its graphs were released", async () => {
  const network = new Network(model, backend);
  using J = await network.jacobian({ at: 0.5, to: "logits" });
  const { compiled } = sessions;
  for (const at of [0, 0.25, 1]) (await network.jacobian({ at, to: "logits" })).dispose();
  expect(sessions).toMatchObject({ compiled, open: 3 });
  const { data } = await J.dense();
  const before = data.slice();
  await network.forget();
  expect(sessions.open).toBe(0);
  expect((await J.dense()).data).toEqual(before); // J is compiled again, and kept what it needs of its point.
  expect(sessions.open).toBe(3);
});

test("all taps at many points keep within the budget: sessions and bytes do not grow", async () => {
  const network = new Network(model, backend, { mostBytes: 1 });
  const taps = network.taps.slice(1).filter((tap) => network.moves(network.source, tap));
  const most: number[] = [];
  for (let round = 0; round < 3; round++) {
    for (const to of taps) {
      for (const at of [0, 0.5]) (await network.jacobian({ at, to })).dispose();
      most.push(sessions.open);
    }
  }
  expect(Math.max(...most)).toBeLessThanOrEqual(6);
  await network.close();
  expect(sessions.open).toBe(0);
});

test("what the pass kept stays on the device: only the value and the kinks are read, and the active rows when they are asked for", async () => {
  const read: string[] = [];
  const noting: Backend = {
    ...runtime,
    async compile(graph) {
      const executable = await runtime.compile(graph);
      return {
        ...executable,
        async compute(...args) {
          const results = await executable.compute(...args);
          for (const [name, tensor] of Object.entries(results)) {
            const own = tensor.read.bind(tensor);
            const noted = () => {
              read.push(name);
              return own();
            };
            Object.assign(tensor, { read: noted });
          }
          return results;
        },
      };
    },
  };
  using J = await new Network(model, noting).jacobian({ at: 0.5, to: "relu2" });
  const [value, ...others] = [...read];
  expect(value).toBe("relu2");
  expect(others).toHaveLength(1); // the counts of kinks
  read.length = 0;
  await J.applyTranspose(J.algebra.upload(new Float32Array(J.value.length).fill(1), 1));
  expect(read).toEqual([]);
  await J.activeRows();
  expect(read.length).toBeGreaterThan(0);
});

test("closing twice is harmless, and so is disposing of a Jacobian twice", async () => {
  const network = new Network(model, createBackend({ threads: 1 }));
  const J = await network.jacobian({ at: 0.5 });
  J.dispose();
  J.dispose();
  await network.close();
  await network.close();
});
