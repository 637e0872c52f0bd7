// Preloaded into a measured program: prints its peak resident memory when it ends.
process.on("exit", () => process.stderr.write(`PEAK_KIB=${process.resourceUsage().maxRSS}\n`));
