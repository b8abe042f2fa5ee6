import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NoiseAnswer, SpectrumAnswer } from "../../src/apps/explorer/engine/index.ts";
import { root } from "../docs/markdown.ts";
import type { BrowserPage } from "../support/browser.ts";
import { chromiumPath, withoutChromium } from "../support/chromium.ts";
import type { stepWhileSolving } from "./engine-page.ts";
import { openEngine, openInEngine } from "./open-engine.ts";

type Stepped = Awaited<ReturnType<typeof stepWhileSolving>>;

const folder = join(root, "examples/digits");
const paths = ["/0-0001.png", "/3-0013.png"];
const network = ["/digits.onnx", "/preprocess.json"];

describe.skipIf(chromiumPath === undefined)(
  `the explorer's engine in a worker of Chromium (${withoutChromium})`,
  () => {
    let page: BrowserPage;
    let picture: number;
    beforeAll(async () => {
      const pictureFiles = paths.map((path) => [path, join(folder, "images", path)] as const);
      const networkFiles = network.map((path) => [path, join(folder, path)] as const);
      page = await openEngine(Object.fromEntries([...networkFiles, ...pictureFiles]));
      const { pictures } = await openInEngine(page, network, paths);
      picture = pictures[1]!.picture;
      expect(pictures.map(({ top }) => top![0]!.name)).toEqual(["0", "3"]);
    }, 120_000);
    afterAll(() => page?.close());

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
