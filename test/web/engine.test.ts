import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NoiseAnswer, PicturesAnswer, SpectrumAnswer } from "../../src/apps/explorer/engine/index.ts";
import { loadInput, openModel, parsePreset } from "../../src/apps/node/index.ts";
import { root } from "../docs/markdown.ts";
import { type BrowserPage, bundle, openPage } from "../support/browser.ts";
import { chromiumPath, withoutChromium } from "../support/chromium.ts";
import type { stepWhileSolving } from "./engine-page.ts";

type Stepped = Awaited<ReturnType<typeof stepWhileSolving>>;

const folder = join(root, "examples/digits");
const paths = ["/0-0001.png", "/3-0013.png"];
const preset = JSON.parse(readFileSync(join(folder, "preprocess.json"), "utf8"));

describe.skipIf(chromiumPath === undefined)(
  `the explorer's engine in a worker of Chromium (${withoutChromium})`,
  () => {
    let page: BrowserPage;
    let picture: number;
    beforeAll(async () => {
      const files = Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, "images", path))]));
      page = await openPage({
        ...files,
        "/digits.onnx": readFileSync(join(folder, "digits.onnx")),
        "/preprocess.json": readFileSync(join(folder, "preprocess.json")),
        "/engine.js": await bundle("src/apps/explorer/engine/worker.ts"),
        "/page.js": await bundle("test/web/engine-page.ts"),
      });
      await page.call("openFiles", ["/digits.onnx", "/preprocess.json"]);
      const { pictures } = await page.call<PicturesAnswer>("addPictures", paths);
      picture = pictures[1]!.picture;
      expect(pictures.map(({ top }) => top![0]!.name)).toEqual(["0", "3"]);
    }, 120_000);
    afterAll(() => page?.close());

    test.each(["conv1", "logits"])("σ up to %s are those of Node within both certificates", async (to) => {
      const found = await page.call<SpectrumAnswer>("ask", "spectrum", { picture, to, k: 10, seed: 1 });
      const network = await openModel(join(folder, "digits.onnx"), { threads: 1 });
      const prepared = await loadInput(join(folder, "images/3-0013.png"), await parsePreset(preset, "", () => never()));
      using J = await network.jacobian({ at: prepared, to });
      const { sigma, certificate } = await J.svd({ k: 10, seed: 1 });
      expect(found.status).not.toContain("unconverged");
      for (const [i, value] of sigma.entries()) {
        const certified = certificate.residual[i]! + certificate.floors[i]! + found.residual[i]! + found.floors![i]!;
        expect(Math.abs(value - found.sigma[i]!)).toBeLessThanOrEqual(certified);
      }
      await network.close();
    });

    test("a cancel is heard within 300 ms, and the next request is answered", async () => {
      const { milliseconds, code } = await page.call<{ milliseconds: number; code: string }>("cancelSolve", {
        ...{ picture, to: "conv1", k: 600, tol: 1e-6 },
      });
      expect(code).toBe("interrupted");
      expect(milliseconds).toBeLessThan(300);
      expect((await page.call<SpectrumAnswer>("ask", "spectrum", { picture, to: "logits", k: 1 })).sigma).toHaveLength(
        1,
      );
    });

    test("steps are answered while a spectrum is solved", async () => {
      const solve = { picture, to: "conv1", k: 600, tol: 1e-6 };
      const step = { picture, direction: { random: 1 }, epsilon: 1 };
      const { answered, stillSolving } = await page.call<Stepped>("stepWhileSolving", solve, step);
      expect({ answered, stillSolving }).toEqual({ answered: 5, stillSolving: true });
    });

    test("JPEG noise comes from the browser's encoder", async () => {
      const asked = { picture, kind: "jpeg", level: 10 };
      const { picture: made } = await page.call<NoiseAnswer>("ask", "noise", asked);
      expect(made.pixels!.width).toBe(28);
      expect(made.top![0]!.name).toBe("3");
      expect(page.faults).toEqual([]);
    });
  },
);

function never(): never {
  throw new Error("the preset names no file");
}
