import { expect, test } from "vitest";
import { PushforwardError } from "../../src/base/index.ts";
import { Network } from "../../src/jacobian/index.ts";
import { normalize } from "../../src/onnx/index.ts";
import { createBackend } from "../../src/platform/node/backend.ts";
import { type Backend, evaluateWith } from "../../src/runtime/index.ts";
import { convnet } from "../apps/networks.ts";

test.each([1, 2, 3])("a Jacobian whose graph %i of 3 does not compile holds no session", async (failing) => {
  const runtime = createBackend({ threads: 1 });
  const model = await normalize(convnet(), { evaluate: evaluateWith(runtime) });
  let open = 0;
  let compiled = 0;
  let last = Number.POSITIVE_INFINITY;
  const backend: Backend = {
    ...runtime,
    async compile(graph) {
      if (++compiled >= last) throw new PushforwardError("backend-failed", { what: "No memory is left." });
      const executable = await runtime.compile(graph);
      open++;
      const release = async () => {
        open--;
        await executable.release();
      };
      return { ...executable, release };
    },
  };
  const network = new Network(model, backend);
  const [from, to] = [network.input, network.tap("logits")];
  await (await network.compile(from, to)).release();
  expect(open).toBe(0);
  const whole = compiled; // J, Jᵀ and the primal pass come last
  [compiled, last] = [0, whole - 3 + failing];
  await expect(network.compile(from, to)).rejects.toThrow("No memory is left.");
  expect(open).toBe(0);
  await runtime.dispose();
});
