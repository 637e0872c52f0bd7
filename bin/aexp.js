#!/usr/bin/env node
// Written for every Node.js there is, so that an old one is told what to do instead of failing on new syntax.
var version = process.versions.node.split(".").map(Number);
if (version[0] < 24 || (version[0] === 24 && version[1] < 15)) {
  process.stderr.write(
    "error: aexp needs Node.js 24.15 or newer, this is " +
      process.versions.node +
      "\n" +
      "  Install a newer Node.js, or add one to this project with `npm install --save-dev node@24` and call `npx aexp`.\n",
  );
  process.exitCode = 2;
} else {
  process.getBuiltinModule("node:module").enableCompileCache();
  import(process.argv[2] === "__exec" ? "../dist/exec.js" : "../dist/main.js");
}
