// Prints what the parser finds wrong with a document, a line for each error and warning.
//
//     node asyncapi_parser.mjs FOLDER_WITH_THE_PARSER DOCUMENT
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const WARNING = 1;
const [folder, file] = process.argv.slice(2);
const { Parser } = createRequire(`${folder}/`)("@asyncapi/parser");
const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"));
for (const { severity, code, path, message } of diagnostics) {
  if (severity <= WARNING) console.log(`${path.join("/") || "document"}: ${message} (${code})`);
}
process.exitCode = document ? 0 : 1;
