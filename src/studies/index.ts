export { type SpectrumEvents, spectrum, tripletsAt, type UnitStore } from "./spectrum.ts";
