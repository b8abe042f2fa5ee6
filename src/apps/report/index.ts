export { renderCharts } from "./charts.ts";
export { renderCheckup } from "./checkup.ts";
export { renderFigures } from "./figures.ts";
export { renderReplays } from "./replays.ts";
export { renderReport } from "./report.ts";
export type { RunReader } from "./run-reader.ts";
export { renderSearch } from "./search.ts";
export { renderStudies, renderStudiesPage } from "./studies.ts";
export { renderTraining } from "./training.ts";
