import { activationLayers } from "./activation.ts";
import { combinationLayers } from "./combination.ts";
import { convolutionLayers } from "./convolution.ts";
import type { LayerType } from "./layer.ts";
import { normalizationLayers } from "./normalization.ts";
import { poolingLayers } from "./pooling.ts";
import { shapeLayers } from "./shape.ts";
import { sourceLayers } from "./source.ts";

/** The types of layers that are written as nodes, by `typeKey`. */
export const layerTypes: ReadonlyMap<string, LayerType> = new Map(
  Object.entries({
    ...activationLayers,
    ...combinationLayers,
    ...convolutionLayers,
    ...normalizationLayers,
    ...poolingLayers,
    ...shapeLayers,
    ...sourceLayers,
  }),
);

/** Types of layers that give the data of a network: their first top is an input. */
export const dataLayers: readonly string[] = [
  "input",
  "data",
  "imagedata",
  "memorydata",
  "hdf5data",
  "windowdata",
  "annotateddata",
];

/** Types of layers that are left out: they compare with labels, choose boxes for a person, or write files. */
export const leftOut: ReadonlyMap<string, string> = new Map(
  Object.entries({
    accuracy: "it compares with labels",
    contrastiveloss: "it is a loss",
    euclideanloss: "it is a loss",
    hingeloss: "it is a loss",
    infogainloss: "it is a loss",
    multinomiallogisticloss: "it is a loss",
    sigmoidcrossentropyloss: "it is a loss",
    softmaxwithloss: "it is a loss",
    smoothl1loss: "it is a loss",
    multiboxloss: "it is a loss",
    detectionevaluate: "it compares with labels",
    detectionoutput: "it chooses boxes, which has no derivative",
    hdf5output: "it writes a file",
    silence: "it does nothing",
  }),
);
