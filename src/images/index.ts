export { classesByName, folderClasses } from "./folder-classes.ts";
export { guessPreset } from "./guess-preset.ts";
export { type ClassRecord, classOf, type Labels, parseLabels, rowOf } from "./labels.ts";
export { type LevelScale, levelScaleOf, levelScaleOfArrays, toLevels, withLevelShift } from "./levels.ts";
export { type NoiseKind, noises } from "./noise.ts";
export { noisyInput } from "./noisy-input.ts";
export { type ExactArray, type NumberArray, readExactNpy, readNpy, writeNpy } from "./npy.ts";
export { preprocess } from "./preprocess.ts";
export { parsePreset, presetNamed, type ReadMean } from "./preset-file.ts";
export {
  fitChannelsTo,
  fitTo,
  isChannelsLast,
  type MeanImage,
  type Preprocess,
  pictureShape,
  presets,
  type Size,
  settingsOf,
} from "./presets.ts";
export { type DecodedText, decodeText } from "./text.ts";
export { tiffObstacle } from "./tiff.ts";
export type { DecodedImage, ImageDecoder, ThroughJpeg } from "./types.ts";
export { damagedPicture, formatOf, MOST_PIXELS, tooManyPixels, withoutLevels } from "./undecodable.ts";
