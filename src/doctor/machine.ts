/** What `aexp doctor` asks of the machine it runs on. */
export interface Machine {
  readonly nodeVersion: string;

  /** Whether a file can be created in the folder. `missing` when there is no such folder. */
  probeFolder(path: string): FolderProbe;

  /** Absolute path of a program, as the shell would find it; `undefined` when it would not. */
  findProgram(name: string): string | undefined;
}

/** What creating and removing one small file in a folder told. */
export type FolderProbe =
  | { readonly kind: "missing" }
  | { readonly kind: "unwritable"; readonly problem: string }
  | {
      readonly kind: "writable";
      readonly freeBytes: number;
      readonly fileSystem: "local" | "network";
      /** The file's time as the file system gave it, less this machine's clock, in milliseconds. */
      readonly clockDifferenceMs: number;
    };
