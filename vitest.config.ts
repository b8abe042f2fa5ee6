import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { useChromiumVulkan } from "./test/support/vulkan.ts";

useChromiumVulkan(process.env);

/** The files that take longest; they start first, so that none of them is left for the end. */
const longest = [
  "test/apps/webgpu.test.ts",
  "test/apps/references.test.ts",
  "test/apps/controls.test.ts",
  "test/package/install.test.ts",
  "test/apps/paper.test.ts",
  "test/svd/rehearse.test.ts",
  "test/docs/examples.test.ts",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const place = longest.findIndex((file) => moduleId.endsWith(file));
      return place < 0 ? longest.length : place;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // On two cores as well: much of a file is work on one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
  },
});
