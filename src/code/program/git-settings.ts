/**
 * Settings of the user that would make git leave something out, trust what it should look at, or run a program of the
 * user's that has nothing to do with the content of files.
 */
export const PLAIN_GIT: readonly string[] = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.untrackedCache=false",
  "core.splitIndex=false",
  "core.trustctime=true",
  "core.checkStat=default",
  "submodule.recurse=false",
].flatMap((setting) => ["-c", setting]);

/** Objects survive a power cut once git returns; they are flushed together, and not one by one. */
export const DURABLE_OBJECTS = ["-c", "core.fsync=objects,reference", "-c", "core.fsyncMethod=batch"] as const;
