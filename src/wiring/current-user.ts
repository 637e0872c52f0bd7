import { userInfo } from "node:os";

/** The operating system's user of this process: who may execute what it queues, and whose tasks it executes. */
export function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that no one has given a name.
    return `uid-${process.getuid?.() ?? 0}`;
  }
}
