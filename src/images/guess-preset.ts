import { formatShape, type Shape } from "../base/index.ts";
import { fitTo, type Preprocess, pictureShape, presets } from "./presets.ts";

/** A preprocessing that nobody asked for, and why it is likely. */
export interface PresetGuess {
  /** Adapted to the network. */
  readonly preset: Preprocess;
  /** The reason, as one sentence. */
  readonly reason: string;
  /** Whether networks with such an input are prepared in several ways, so that the guess may well be wrong. */
  readonly isUnsure: boolean;
}

/**
 * The preprocessing of pictures that a network with this input probably takes: `imagenet` for 3 channels and at least 128 rows; less surely
 * `cifar10` for 3 channels of 32×32, and otherwise the levels divided by 255.
 *
 * @throws PushforwardError `shape-mismatch` if the input is none that pictures can become
 */
export function guessPreset(shape: Shape): PresetGuess {
  const [channels, height, width] = pictureShape(shape);
  const taken = `the input is ${formatShape(shape)}`;
  if (channels === 3 && height >= 128) {
    const reason = `The preprocessing imagenet is used, because ${taken}: colour pictures of the size that ImageNet networks take.`;
    return { preset: fitTo(presets.imagenet, shape), reason, isUnsure: false };
  }
  if (channels === 3 && height === 32 && width === 32) {
    const reason = `The preprocessing cifar10 is used, because ${taken}, as for CIFAR-10; others divide by 255 alone.`;
    return { preset: fitTo(presets.cifar10, shape), reason, isUnsure: true };
  }
  return {
    preset: { ...fitTo(presets.none, shape), name: "levels/255", resize: { exact: [height, width] } },
    reason: `Pictures are resized to ${formatShape([height, width])}, and their levels divided by 255, because ${taken} and nothing tells more.`,
    isUnsure: true,
  };
}
