// docs/paper.md, put together from its parts.
import { FEWEST_DRAWS, FEWEST_IMAGES } from "../../src/studies/index.ts";
import { beyondExpected, otherNetworks, trialAgain } from "./beyond.ts";
import { aboutExpectations, expectationTable } from "./expectations.ts";
import type { PaperFigure } from "./figures.ts";
import { opening } from "./opening.ts";
import type { PaperRecord } from "./records.ts";
import { sections } from "./sections.ts";
import { sources } from "./sources.ts";
import { foundOf, tests } from "./tests.ts";

/** The page; its first part can be read alone. */
export function paperPage(records: readonly PaperRecord[], figures: readonly PaperFigure[] = []): string {
  requireNames(records);
  return `<!-- Written by \`npm run paper:page\` from the studies that it is given. Do not edit this page; run that command. -->

# The paper, claim by claim

Mototake and Ikegami (2015) looked at singular values and vectors of the Jacobian of trained networks. This page tests what they state,
assume or leave open, in our words, on other networks, and asks of each claim whether training is its cause. A *control* is a network
with the same graph whose weights hold nothing learned: *permuted* has the weights of each layer in random order; *matched* has in
addition one gain a layer, so that its activity is as strong as in the trained network; *initial* is the network before its training.
What a control shows too needs no training. The inputs of a network are called images here, even where they are not pictures.

What the paper takes from others about training, and what it proposes, is tested [beside the theory](theory.md):

- *Encoders with steep spectra have good features*: [they do](theory.md#are-features-better-where-spectra-are-steeper), with a rank correlation of 0.79 (0.33 … 0.98) between
  effective rank and error over 18 configurations; but steepness cannot be told from the size of J: with that held fixed it is 0.32 (−0.18 … 0.91).
- *Pre-training makes layers orthogonal*: [linear auto-encoders
  do](theory.md#does-pre-training-like-orthogonal-weights-make-the-time-of-learning-independent-of-depth), with a relative variance of σ² below 10⁻⁹, and then the time of learning hardly
  depends on depth; Boltzmann machines after short trainings do not, with a variance of 2.20 (2.16 … 2.23, n = 12), where random matrices have 1.
- *Spectra can guide the search for hyper-parameters*: [not shown](theory.md#does-a-filter-by-spectra-make-searches-cheaper). A filter by spectra in front of halving
  changes the error at the same cost by 0.005 (−0.003 … 0.014) over 384 candidates, and on rotated digits by 0.020 (0.002 … 0.039) over 192; mean field theory, which
  measures nothing, does at least as well.

## What the paper saw, what a control sees, and what training adds

${opening(records, figures)}

## Measures beyond the claims

${trialAgain(records)}${otherNetworks(records)}

## How a verdict follows

The rule was written down [before the runs](notes/controls.md). Each verdict follows from a 95 % interval: of the trained network, by the
jackknife over images; of a control and of the difference to it, over images × draws. A claim is *supported* if the whole interval lies
on the side that the claim states, *contradicted* if it lies on the other side, *not supported* if it includes "no effect", and
*undecided* if there is no interval or there are fewer than ${FEWEST_IMAGES} images. *Training adds* to a claim if the whole interval of trained − control lies
on the side that the claim states, and *takes away* if it lies on the other side; *no difference shown* means that it includes zero, and
*undecided* that there are fewer than ${FEWEST_IMAGES} images or ${FEWEST_DRAWS} draws. The claim that a whole spectrum shrinks uses two numbers: it is supported if σ is smaller at
every index, and contradicted if σ is larger on average. If there were no effects at all, one claim in 40 would still be supported by
chance, and one in 40 contradicted.

A picture with flat parts, such as a digit on black, lies on kinks of ReLU and max-pool. Even the weakest noise moves it off these
kinks, and J changes by a jump. The effects of noise are measured relative to J at the picture itself.

## What was expected

${aboutExpectations}

${expectationTable(records)}${beyondExpected(records)}

${sections(records, figures)}

## Sources

${sources(records)}
`;
}

/** Every verdict must have a name on the page, else it would be left out. */
function requireNames(records: readonly PaperRecord[]): void {
  const without = foundOf(records, ({ id, on }) => tests[id]?.on !== on);
  if (without.length === 0) return;
  const ids = without.map(({ record, verdict }) => `${record.study}: ${verdict.id}`);
  throw new Error(`scripts/paper/tests.ts has no entry for ${[...new Set(ids)].join(", ")}.`);
}
