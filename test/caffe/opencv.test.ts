import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { typeKey } from "../../src/caffe/net.ts";
import { difference, drawNet, fileOf, importNet, run } from "./nets.ts";
import { rows } from "./rows.ts";

interface Results {
  readonly opencv: string;
  readonly rows: Readonly<Record<string, Readonly<Record<string, { shape: number[]; data: number[] }>>>>;
}

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const topsOf = (layers: string): string[] => [...layers.matchAll(/top: "(\w+)"/g)].map(([, top]) => top!);

/** `PUSHFORWARD_OPENCV` is a Python with OpenCV 4: the results are then computed again, and stored. */
const python = process.env.PUSHFORWARD_OPENCV;

/**
 * OpenCV has a reader of Caffe of its own, and kernels of its own. Its results at these networks, whose numbers come from seeds, are stored.
 * It computes in float32; the largest difference is that of two float32 programs.
 */
describe("layers give what OpenCV gives", () => {
  let results: Results;
  beforeAll(() => {
    if (python !== undefined) refresh(python);
    results = JSON.parse(readFileSync(path("opencv.json"), "utf8"));
  });

  test.each(rows.map((row) => [row.name, row] as const))("%s", async (name, row) => {
    const net = drawNet(name, row);
    const { model } = importNet(net);
    const tops = topsOf(row.layers);
    const found = await run(model, net.inputs, tops);
    for (const top of tops) {
      const wanted = results.rows[name]![top]!;
      const { shape, data } = found.get(top)!;
      expect({ top, shape }).toEqual({ top, shape: wanted.shape });
      expect(difference(data as Float32Array, wanted.data), top).toBeLessThan(2e-6);
    }
  });

  test("rows are of many types", () => {
    const types = new Set(rows.map(({ layers }) => typeKey(/type: "(\w+)"/.exec(layers)![1]!)));
    expect(types.size).toBeGreaterThanOrEqual(29);
  });
});

function refresh(program: string): void {
  const folder = mkdtempSync(join(tmpdir(), "pushforward-opencv-"));
  try {
    const nets = rows.map((row, at) => {
      const net = drawNet(row.name, row);
      writeFileSync(join(folder, `${at}.prototxt`), net.prototxt);
      writeFileSync(join(folder, `${at}.caffemodel`), fileOf(net));
      const inputs = Object.entries(net.inputs).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]);
      return {
        name: row.name,
        prototxt: `${at}.prototxt`,
        caffemodel: `${at}.caffemodel`,
        layer: "y",
        tops: topsOf(row.layers),
        inputs: Object.fromEntries(inputs),
      };
    });
    writeFileSync(join(folder, "nets.json"), JSON.stringify(nets));
    execFileSync(program, [path("opencv.py"), folder], { stdio: ["ignore", "ignore", "inherit"] });
    writeFileSync(path("opencv.json"), readFileSync(join(folder, "results.json")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
