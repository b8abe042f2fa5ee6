export { Forecast, type TapForecast, totalSeconds } from "./forecast.ts";
export { spectrum, tripletsAt } from "./spectrum.ts";
