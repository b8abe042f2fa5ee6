import { afterAll, describe, expect, test } from "vitest";
import { createBackend } from "../../src/platform/node/backend.ts";
import { findDevices, openDevice } from "../../src/platform/node/devices.ts";
import { longSideOf } from "./case.ts";
import { deviceRows, rowOn } from "./rows.ts";
import { runCase } from "./run.ts";

/** `npm run campaign -- --device webgpu` tries all rows, and goes on with the operators. */
const [EVERY, OPERATORS, LARGEST] = [12, 8, 24];

const webgpu = (await findDevices()).find(({ device }) => device === "webgpu")!;

describe.skipIf(!webgpu.available)(`WebGPU (${webgpu.name ?? webgpu.note})`, { timeout: 120_000 }, async () => {
  const noticed: string[] = [];
  const cpu = createBackend({ threads: 1 });
  const device = await openDevice({ device: "webgpu", threads: 1, notice: (text) => noticed.push(text) });
  afterAll(async () => {
    await device.dispose();
    await cpu.dispose();
  });

  test("products with J of rows of operators are those of the CPU", async () => {
    for (const row of deviceRows.filter((_, i) => i % EVERY === 0)) {
      const verdict = await rowOn(row, device, cpu, noticed);
      expect(verdict).not.toMatchObject({ outcome: "false" });
    }
  });

  test("no certificate of the campaign is false", async () => {
    const cases = Array.from({ length: 20 * OPERATORS }, (_, index) => index);
    for (const index of cases.filter((index) => longSideOf(0, index) <= LARGEST).slice(0, OPERATORS)) {
      const { described, failures } = await runCase(0, index, device);
      expect({ index, described, failures }).toEqual({ index, described, failures: [] });
    }
  });
});
