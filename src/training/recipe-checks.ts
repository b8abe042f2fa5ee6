import type { Activation, Sigmoid } from "./architecture.ts";
import {
  anyNumber,
  type Check,
  flag,
  type Keys,
  kindOf,
  listOf,
  listOr,
  mapOf,
  notNegative,
  objectOf,
  objectOr,
  oneOf,
  positive,
  share,
  shareBelowOne,
  text,
  whole,
} from "./json-checks.ts";
import { type LossName, losses } from "./losses.ts";
import { variationNames } from "./variations.ts";

/** The checks of objects by their `kind`: the keys beside it. */
function byKind(of: string, kinds: Readonly<Record<string, Keys>>): Readonly<Record<string, Check>> {
  const checks = Object.entries(kinds).map(([kind, { must = {}, may = {} }]) => {
    const article = /^[aeiou]/.test(kind) ? "an" : "a";
    return [kind, objectOf(`${article} ${kind} ${of}`.trim(), { must: { kind: text, ...must }, may })] as const;
  });
  return Object.fromEntries(checks);
}

const extents = listOf(whole(1));
const window = { stride: whole(1), pad: whole(0) };
const activated: Keys = { may: { gain: anyNumber } };
const pool: Keys = { must: { kernel: whole(1) }, may: window };

/** A layer that has a weight, or shares that of another: `tied` decides which keys it has. */
function tiable(of: string, own: Readonly<Record<string, Check>>, may: Readonly<Record<string, Check>>): Check {
  const common = { ...may, bias: flag };
  const tied = objectOf(`a tied ${of}`, { must: { kind: text, tied: text }, may: { ...common, transposed: flag } });
  const free = objectOf(`a ${of}`, { must: { kind: text, ...own }, may: { ...common, tied: text } });
  return (value, at) => (Object.hasOwn(value as object, "tied") ? tied : free)(value, at);
}

const activationLayers: Readonly<Record<(Activation | Sigmoid)["kind"], Keys>> = {
  relu: activated,
  tanh: activated,
  sigmoid: { may: { gain: anyNumber, offset: anyNumber } },
  erf: activated,
  hardTanh: activated,
  linear: activated,
};

const plainLayers: Readonly<Record<string, Keys>> = {
  ...activationLayers,
  lrn: { must: { size: whole(1), alpha: anyNumber, beta: anyNumber, bias: anyNumber } },
  maxPool: pool,
  avgPool: pool,
  dropout: { must: { rate: shareBelowOne } },
  flatten: {},
};

const layer = kindOf({
  dense: tiable("dense layer", { units: whole(1) }, {}),
  conv: tiable("conv layer", { channels: whole(1), kernel: whole(1) }, window),
  ...byKind("layer", plainLayers),
});

const network = objectOf("a network", {
  must: { input: extents, layers: listOf(layer) },
  may: { name: text, inputName: text, outputName: text },
});

const drawn = { biasVariance: notNegative, stream: oneOf(["one"]) };
const scaled: Keys = { may: { ...drawn, gain: positive, distribution: oneOf(["normal", "uniform"]) } };
const initializer = kindOf(
  byKind("initializer", {
    gaussian: { may: { ...drawn, weightVariance: notNegative } },
    he: scaled,
    glorot: scaled,
    orthogonal: { may: { ...drawn, gain: positive, kernels: oneOf(["flattened", "delta"]) } },
    decoupled: { must: { start: listOr(listOf(notNegative), notNegative) } },
  }),
);

const lossKeys: { readonly [Name in LossName]: Keys } = {
  softmaxCrossEntropy: {},
  binaryCrossEntropy: {},
  summedSquaredError: {},
  meanSquaredError: {},
  contrastiveDivergence: { may: { steps: whole(1), persistent: flag, chains: whole(1) } },
};
const loss = objectOr(kindOf(byKind("loss", lossKeys)), oneOf(Object.keys(losses)));

const descent = { must: { rate: notNegative }, may: { decay: notNegative } };
const adam: Keys = {
  ...descent,
  may: { ...descent.may, beta1: shareBelowOne, beta2: shareBelowOne, epsilon: positive },
};
const optimizer = kindOf(
  byKind("optimizer", {
    sgd: descent,
    momentum: { ...descent, may: { ...descent.may, momentum: shareBelowOne, nesterov: flag } },
    adam,
    adamw: adam,
  }),
);

const schedule = kindOf(
  byKind("schedule", {
    constant: {},
    cosine: { may: { warmup: whole(0) } },
    step: { must: { every: whole(1), factor: notNegative } },
  }),
);

const data = objectOf("data", {
  may: {
    ...{ pictures: text, labels: text, preprocess: text, inputs: text, targets: text },
    through: listOf(objectOf("an earlier training", { must: { training: text, to: text }, may: { step: whole(0) } })),
    ...{
      patches: whole(1),
      variation: oneOf(variationNames),
      heldOut: whole(0),
      subset: whole(1),
      labelNoise: share,
      seed: whole(0),
    },
  },
});

const corruption = kindOf(
  byKind("corruption", {
    gaussian: { must: { deviation: notNegative } },
    masking: { must: { rate: share } },
  }),
);

const penalty = kindOf(byKind("penalty", { contractive: { must: { weight: notNegative, to: text } } }));

const start = objectOf("a start", { must: { training: text }, may: { step: whole(0), layers: mapOf(text) } });

/** Checks a network with its initializer, where there is nothing of a training. */
export const checkDrawnNetwork = objectOf("a network with its initializer", {
  must: { network, initializer },
  may: { seed: whole(0) },
});

/** Checks all of a recipe but what depends on more than one key. */
export const checkRecipe = objectOf("a recipe", {
  must: { network, initializer, loss, optimizer, batch: whole(1) },
  may: {
    ...{ schedule, data, epochs: whole(1), steps: whole(1), checkpoints: whole(2), seed: whole(0) },
    augmentation: objectOf("augmentation", { must: { shift: whole(0) } }),
    ...{ corruption, penalty, start: listOr(listOf(start), start), train: listOf(text) },
  },
});

const settings = {
  initializer,
  loss,
  optimizer,
  schedule,
  corruption,
  batch: whole(1),
  epochs: whole(1),
  steps: whole(1),
  checkpoints: whole(2),
};
const { loss: _, ...supervised } = settings;
const activation = kindOf(byKind("activation", activationLayers));

/** Checks a stack; what its trainings are is checked as recipes. */
export const checkStack = objectOf("a stack", {
  must: {
    input: extents,
    stack: listOf(
      objectOf("a layer of a stack", {
        must: { units: whole(1) },
        may: {
          ...{ ...settings, activation },
          penalty: kindOf(byKind("penalty", { contractive: { must: { weight: notNegative } } })),
        },
      }),
    ),
  },
  may: {
    ...{ ...settings, data, seed: whole(0) },
    fineTuning: objectOf("the fine-tuning", { must: { classes: whole(2) }, may: supervised }),
  },
});
