export { spectrum, tripletsAt } from "./spectrum.ts";
