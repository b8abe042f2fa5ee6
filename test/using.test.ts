import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * A function that frees something by `using` frees it when it returns. A promise that it returns without `await` would go on with what
 * is freed already, so that tensors on a device are used after they are disposed of.
 */
test("functions that free something at their end await what they return", { timeout: 120_000 }, () => {
  const config = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile).config;
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram(
    fileNames.filter((name) => /\/(src|bench)\/[^.]*\.ts$/.test(name)),
    options,
  );
  const checker = program.getTypeChecker();
  const found: string[] = [];
  let functions = 0;
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node) && node.statements.some(frees)) {
      functions++;
      for (const value of returned(node)) {
        if (checker.getAwaitedType(checker.getTypeAtLocation(value)) === checker.getTypeAtLocation(value)) continue;
        const { line } = value.getSourceFile().getLineAndCharacterOfPosition(value.getStart());
        found.push(`${value.getSourceFile().fileName.slice(root.length)}:${line + 1} ${value.getText()}`);
      }
    }
    ts.forEachChild(node, visit);
  };
  for (const file of program.getSourceFiles()) if (!file.fileName.includes("node_modules")) visit(file);
  expect(functions).toBeGreaterThan(20);
  expect(found).toEqual([]);
});

const frees = (statement: ts.Statement): boolean =>
  ts.isVariableStatement(statement) && (statement.declarationList.flags & ts.NodeFlags.Using) === ts.NodeFlags.Using;

/** What the return statements in a block return, without those of functions in it. */
function returned(block: ts.Block): ts.Expression[] {
  const all: ts.Expression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return;
    if (ts.isReturnStatement(node) && node.expression !== undefined) all.push(node.expression);
    ts.forEachChild(node, visit);
  };
  block.statements.forEach(visit);
  return all;
}
