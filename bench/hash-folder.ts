/** Computes the digest of a folder's content, as the supervisor does when a stage has ended. */
import { hashTree } from "../src/output/fs/hash-tree.ts";

const { digest } = await hashTree(process.argv[2] ?? ".");
process.stdout.write(`${digest}\n`);
