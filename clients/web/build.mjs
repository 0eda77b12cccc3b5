// Makes the served file: `node build.mjs OUT`. Its first line says which source it was made from.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { minify } from "terser";

const source = readFileSync(new URL("footfall.js", import.meta.url), "utf8");
const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));
const hash = createHash("sha256").update(source).digest("hex");
const { code } = await minify(source, {
  ecma: 2020,
  compress: { passes: 3, unsafe_arrows: true, unsafe_methods: true },
  mangle: true,
  format: { comments: false },
});
writeFileSync(process.argv[2], `/*! footfall ${version}, Apache-2.0, made from ${hash} */\n${code}\n`);
