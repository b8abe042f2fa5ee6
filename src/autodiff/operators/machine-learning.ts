import type { Operators } from "../operator.ts";
import { constant } from "../rule.ts";

/** Operators of ai.onnx.ml that sort or look up: their outputs are steps of their inputs. */
export const machineLearning = {
  "ai.onnx.ml:LabelEncoder": { float64: "none", rule: constant },
  "ai.onnx.ml:OneHotEncoder": { float64: "none", rule: constant },
  "ai.onnx.ml:TreeEnsemble": { float64: "none", rule: constant },
  "ai.onnx.ml:TreeEnsembleClassifier": { float64: "none", rule: constant },
  "ai.onnx.ml:TreeEnsembleRegressor": { float64: "none", rule: constant },
} satisfies Operators;
