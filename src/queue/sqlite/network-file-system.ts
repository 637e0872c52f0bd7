import { readFileSync, statfsSync } from "node:fs";

import { AexpError } from "../../model/errors.ts";

/** `f_type` of file systems that several machines share, from Linux' `magic.h`. */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x73757245, "Coda"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x19830326, "BeeGFS"],
  [0x01021997, "9P"],
  [0xaad7aaea, "PanFS"],
  [0x7461636f, "OCFS2"],
  [0x01161970, "GFS2"],
]);
const FUSE = 0x65735546;
/** Programs that show another machine's files through FUSE; other FUSE file systems are local ones. */
const NETWORK_PROGRAMS =
  /^fuse\.(?:sshfs|s3fs|gcsfuse|rclone|glusterfs|ceph|juicefs|moosefs|mfs|davfs2?|curlftpfs|orangefs|cvmfs2)/;

/** The name of the network file system that a folder is on; `undefined` for a local one. */
export function networkFileSystemOf(folder: string): string | undefined {
  // Elsewhere the numbers mean other things.
  if (process.platform !== "linux") return undefined;
  const type = statfsSync(folder).type >>> 0;
  if (type !== FUSE) return NETWORK_TYPES.get(type);
  const program = mountTypeOf(readFileSync("/proc/self/mountinfo", "utf8"), folder);
  return program !== undefined && NETWORK_PROGRAMS.test(program) ? program : undefined;
}

/** The type of the mount that holds a folder, from the text of `/proc/self/mountinfo`. */
export function mountTypeOf(mountInfo: string, folder: string): string | undefined {
  let best: { readonly point: string; readonly type: string } | undefined;
  for (const line of mountInfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const point = unescape(before.split(" ")[4] ?? "");
    const type = after.split(" ")[0] ?? "";
    const holds = folder === point || folder.startsWith(point.endsWith("/") ? point : `${point}/`);
    // Of two mounts at one place the later one is seen.
    if (point !== "" && holds && point.length >= (best?.point.length ?? 0)) best = { point, type };
  }
  return best?.type;
}

function unescape(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/**
 * Refuses a folder in which several machines could open the database: its write-ahead log needs memory that all its
 * readers share.
 *
 * @throws {AexpError} `queue.network_file_system`
 */
export function refuseNetworkFileSystem(folder: string, find: (folder: string) => string | undefined): void {
  const name = find(folder);
  if (name === undefined) return;
  throw new AexpError(`${JSON.stringify(folder)} is on a network file system (${name}), where SQLite would lose data`, {
    code: "queue.network_file_system",
    hint: "Use a PostgreSQL server (set AEXP_DATABASE_URL), or keep the repository on a local disk.",
  });
}
