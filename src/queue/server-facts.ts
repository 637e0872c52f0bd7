/** What a look at the server of a shared queue has shown. */
export interface ServerFacts {
  /** Server, port and database, without any secret. */
  readonly place: string;
  readonly schemaName: string;
  /** As the server spells it, like `15.14`. */
  readonly version: string;
  /** As the server numbers itself, like 150014. */
  readonly versionNumber: number;
  /** Whether the connection stays on this machine, where nobody listens. */
  readonly isLocal: boolean;
  /** The protocol of an encrypted connection, and what the server has to prove. */
  readonly tls: { readonly protocol: string; readonly checks: "name" | "certificate" | "nothing" } | undefined;
  /** The role that acts. */
  readonly user: string;
  /** A standby, or a server or role that is set to read only. */
  readonly isReadOnly: boolean;
  /** The server's clock less that of this machine, in milliseconds, as far as the way there lets one tell. */
  readonly clockDifferenceMs: number;
  /** How long a question and its answer take, in milliseconds. */
  readonly latencyMs: number;
  /** How many connections there are, this one included, and how many an ordinary role may have. */
  readonly connections: { readonly used: number; readonly limit: number };
  readonly schema: SchemaFacts;
}

/** The state of the repository's schema, and what the role may do with it. */
export type SchemaFacts =
  | { readonly kind: "absent"; readonly mayCreate: boolean }
  /** It is there and empty. */
  | { readonly kind: "empty"; readonly mayFill: boolean }
  /** It holds tables of another program. */
  | { readonly kind: "foreign" }
  /** It is there, and its tables cannot be seen. */
  | { readonly kind: "closed" }
  | {
      readonly kind: "ours";
      /** The newest step that it has seen, and the newest that this program knows. */
      readonly version: number;
      readonly known: number;
      /** Why this program does not use it although its version fits. */
      readonly problem: string | undefined;
      /** Whether the role may change tables, as the steps of newer versions do. */
      readonly isOwner: boolean;
      /** What the role would have to be granted to work with it, like `UPDATE on tasks`. */
      readonly missing: readonly string[];
    };
