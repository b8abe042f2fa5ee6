import { expect, test } from "vitest";
import { COUNTED_WITHIN, counted } from "../../src/svd/index.ts";

/** Multiply-adds a second of the machine on which the solves below were timed, with nothing beside them. */
const SPEED = 1e11;

// Seconds as measured: those of large networks stand in docs/bench.md, the others are of one solve with one thread.
test.each<[what: string, m: number, n: number, k: number, cost: number, seconds: number]>([
  ["SqueezeNet's pool1", 193600, 150528, 100, 21290688, 19.4],
  ["SqueezeNet's fire2.concat", 387200, 150528, 100, 55364288, 16.1],
  ["SqueezeNet's fire2.concat", 387200, 150528, 200, 55364288, 19.5],
  ["SqueezeNet's fire3.concat", 387200, 150528, 100, 92535488, 13.1],
  ["SqueezeNet's fire5.concat", 186624, 150528, 100, 161213120, 9.13],
  ["SqueezeNet's fire9.concat", 86528, 150528, 50, 262623936, 5.43],
  ["SqueezeNet's fire9.concat", 86528, 150528, 100, 262623936, 6.74],
  ["SqueezeNet's fire9.concat", 86528, 150528, 200, 262623936, 10.3],
  ["SqueezeNet's fire9.concat", 86528, 150528, 500, 262623936, 22.3],
  ["SqueezeNet's fire9.concat", 86528, 150528, 1000, 262623936, 60.3],
  ["SqueezeNet's logits", 1000, 150528, 200, 349151936, 11.4],
  ["AlexNet's pool1", 69984, 154587, 500, 105415200, 38.2],
  ["AlexNet's conv4", 64896, 154587, 500, 591024672, 34.1],
  ["AlexNet's pool5", 9216, 154587, 500, 665784864, 28.3],
  ["the example's conv1", 648, 784, 648, 41472, 0.5],
  ["the example's relu1", 648, 784, 648, 41472, 0.34],
  ["the example's relu2", 400, 784, 400, 70272, 0.14],
  ["the example's relu4", 288, 784, 288, 194688, 0.06],
  ["the example's logits", 10, 784, 10, 213760, 0.01],
  ["ResNet-20's layer1.0", 16384, 3072, 100, 5160960, 1.03],
  ["ResNet-20's layer2.0", 8192, 3072, 100, 18137088, 0.93],
  ["ResNet-20's layer3.2", 4096, 3072, 100, 40550400, 0.79],
  ["ResNet-20's logits", 10, 3072, 10, 40551040, 0.08],
])("the counted time of %s, %i×%i, k = %i, is right within the factor stated", (_, m, n, k, cost, seconds) => {
  const ratio = counted({ m, n, k, cost }, SPEED).seconds / seconds;
  expect(ratio).toBeLessThan(COUNTED_WITHIN);
  expect(1 / ratio).toBeLessThan(COUNTED_WITHIN);
});
