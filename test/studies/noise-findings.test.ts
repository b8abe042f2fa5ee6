import { expect, test } from "vitest";
import { contrast } from "../../src/studies/contrast.ts";
import { concludeNoise } from "../../src/studies/noise-findings.ts";
import type { StudyData } from "../../src/studies/study.ts";

const IMAGES = 9;
const axes = {
  image: Array.from({ length: IMAGES }, (_, i) => `image ${i}`),
  ...{ kind: ["gaussian"], level: [0, 1], tap: ["y"], k: [1, 2], order: ["forwards", "backwards"], factor: ["none"] },
};

/** What a study of noise measured: with noise, σ of image i is smaller by exp(shift(i)). Other images than `chosen` have no spectra. */
function measured(chosen: readonly number[], shift: (image: number) => number): StudyData {
  const array = (dims: readonly (keyof typeof axes)[], of: (places: number[]) => number) => {
    const shape = dims.map((dim) => axes[dim].length);
    const data = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => {
      let rest = at;
      const places = [...shape].reverse().map((extent) => {
        const place = rest % extent;
        rest = Math.floor(rest / extent);
        return place;
      });
      return of(places.reverse());
    });
    return { dims, shape, data };
  };
  const known = (image: number | undefined, value: number) => (chosen.includes(image!) ? value : Number.NaN);
  const ofLevel = (of: (places: number[]) => number) => array(["image", "kind", "level"], of);
  return {
    axes,
    inputs: axes.image.map((name) => ({ name, file: name, sha256: name })),
    seed: 0,
    values: {
      ...Object.fromEntries(["same", "top1", "top5", "margin"].map((name) => [name, ofLevel(() => Number.NaN)])),
      distance: ofLevel(([, , level]) => level!),
      energy: ofLevel(() => 1),
      sigma: array(["image", "kind", "tap", "level", "k"], ([image, , , level, k]) =>
        known(image, (2 - k!) * Math.exp(-level! * shift(image!))),
      ),
      floor: array(["image", "kind", "tap", "level"], () => 1e-6),
      unconverged: array(["image", "kind", "tap", "level"], () => 0),
      part: array(["image", "kind", "level", "order", "factor"], ([image]) => known(image, 0)),
      group: array(["image", "kind", "factor"], () => 0),
    },
  };
}

const shrinking = (data: StudyData) => concludeNoise(data, { gaussian: [0.1] }).claims[0]!.effect.measure;

test("numbers stay with their images where some images have no spectra, so that networks are compared image by image", () => {
  const trained = shrinking(measured([0, 2, 4, 6, 8], (image) => image ** 2 / 100));
  expect(trained.images).toEqual([0, 2, 4, 6, 8]);
  // The same numbers, but the cell of one image failed.
  const drawn = shrinking(measured([0, 4, 6, 8], (image) => image ** 2 / 100));
  const { difference } = contrast(
    trained,
    Array.from({ length: 6 }, () => drawn),
  );
  expect(difference).toMatchObject({ n: 4, draws: 6 });
  expect(difference.value).toBeCloseTo(0, 12);
  expect(difference.high).toBeCloseTo(0, 12);
});

test("a study without any spectrum has no table of layers and no claim about them", () => {
  const { tables, claims } = concludeNoise(
    measured([], () => 0),
    { gaussian: [0.1] },
  );
  expect(tables.map(({ id }) => id)).toEqual(["by-level"]);
  expect(claims).toEqual([]);
});
