import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { sharedDir, sharedPath, withoutShared } from "../support/shared.ts";
import { connect, given } from "./explorer-host.ts";

describe.skipIf(sharedDir === undefined)(`SqueezeNet in the explorer's engine (${withoutShared})`, () => {
  const { client } = connect();
  afterAll(async () => {
    await client.ask("dispose", {});
    client.close();
  });

  test("is guessed right, classifies, and its solves hear a cancel within 300 ms", async () => {
    const model = given("squeezenet1.1.onnx", readFileSync(sharedPath("data", "models", "squeezenet1.1.onnx")));
    const { taps, classCount, preprocessing } = await client.ask("open", { files: [model] });
    expect(classCount).toBe(1000);
    expect(preprocessing).toMatchObject({ name: "imagenet", isUnsure: false });
    // A fire module has two branches, which one concatenation joins.
    expect(new Set(taps.map(({ next }) => next.length))).toContain(2);
    expect(taps.filter(({ op }) => op === "Concat").length).toBe(8);
    const images = readdirSync(sharedPath("data", "images")).filter((name) => /jpe?g$/i.test(name));
    const files = images.slice(0, 2).map((name) => given(name, readFileSync(sharedPath("data", "images", name))));
    const list = given("labels.tsv", readFileSync(sharedPath("data", "imagenet_classes.tsv")));
    const { pictures } = await client.ask("pictures", { files, labels: list });
    for (const { label, top } of pictures) expect(top!.map(({ name }) => name)).toContain(label);
    const controller = new AbortController();
    let started = 0;
    const onProgress = ({ products = 0 }) => {
      if (products === 0 || started > 0) return;
      started = performance.now();
      controller.abort();
    };
    const asked = { picture: pictures[0]!.picture, to: taps.find(({ op }) => op === "Concat")!.name, k: 100 };
    const solve = client.ask("spectrum", asked, { signal: controller.signal, onProgress });
    await expect(solve).rejects.toMatchObject({ code: "interrupted" });
    expect(performance.now() - started).toBeLessThan(300);
  });
});
