/**
 * Every code an expected failure may carry, as `area.problem`.
 * A code is never renamed or reused: scripts and agents match on it.
 */
const ERROR_CODES = [
  "alias.conflict",
  "alias.name_invalid",
  "alias.not_found",
  "alias.target_unusable",
  "cli.confirmation_needed",
  "cli.unknown_command",
  "cli.usage",
  "code.unavailable",
  "compute.invalid",
  "condition.invalid",
  "condition.unknown",
  "config.invalid",
  "environment.disk_full",
  "environment.git_missing",
  "environment.read_only",
  "export.no_runs",
  "export.out_exists",
  "export.out_unusable",
  "file.not_json",
  "file.not_utf8",
  "file.too_large",
  "finding.cites_nothing",
  "git.commit_missing",
  "git.failed",
  "git.unsafe_directory",
  "gitignore.block_broken",
  "hook.failed",
  "hook.key_unusable",
  "install.hooks_elsewhere",
  "install.label_invalid",
  "install.not_a_repository",
  "install.path_blocked",
  "install.store_invalid",
  "job_id.invalid",
  "ledger.entry_malformed",
  "ledger.entry_not_found",
  "ledger.folder_unsafe",
  "ledger.leaks_credential",
  "ledger.leaks_local_path",
  "ledger.not_representable",
  "ledger.not_terminal",
  "lock.busy",
  "lock.lost",
  "note.ambiguous",
  "note.journal_broken",
  "note.locked",
  "note.not_editable",
  "note.not_found",
  "note.unreadable",
  "output.changed_while_hashing",
  "output.link_outside",
  "output.name_not_utf8",
  "output.not_found",
  "output.special_file",
  "output.unreadable",
  "pipeline.invalid",
  "pipeline.not_found",
  "pipeline.reference_unusable",
  "plan.invalid",
  "policy.not_found",
  "policy.untrusted",
  "promote.partly_failed",
  "queue.access_denied",
  "queue.busy",
  "queue.command_missing",
  "queue.cycle",
  "queue.database_damaged",
  "queue.database_foreign",
  "queue.database_url_invalid",
  "queue.database_url_missing",
  "queue.duplicate_name",
  "queue.duplicate_task",
  "queue.empty_group",
  "queue.has_run",
  "queue.name_taken",
  "queue.need_failed",
  "queue.network_file_system",
  "queue.not_portable",
  "queue.not_queued",
  "queue.nothing_pending",
  "queue.pooler_unsuitable",
  "queue.pools_invalid",
  "queue.repository_unknown",
  "queue.resource_invalid",
  "queue.schema_newer",
  "queue.server_too_old",
  "queue.spec_invalid",
  "queue.sqlite_too_old",
  "queue.template_invalid",
  "queue.unknown_lane",
  "queue.unknown_machine",
  "queue.unknown_need",
  "queue.unknown_placeholder",
  "queue.unreachable",
  "queue.waits",
  "repo.not_found",
  "repo.not_installed",
  "reproduce.code_unknown",
  "reproduce.command_unknown",
  "reproduce.input_changed",
  "reproduce.input_missing",
  "reproduce.nothing_to_compare",
  "reproduce.patch_failed",
  "run.already_finished",
  "run.ambiguous",
  "run.busy",
  "run.corrupt",
  "run.document_unreadable",
  "run.illegal_transition",
  "run.locked",
  "run.no_log",
  "run.not_found",
  "run.not_local",
  "run.spawn_failed",
  "slurm.failed",
  "slurm.missing",
  "state_point.invalid",
  "state_point.reserved_key",
  "store.missing",
  "store.unsupported",
  "sweep.invalid",
  "sync.busy",
  "sync.conflict",
  "sync.detached_head",
  "sync.no_upstream",
  "sync.operation_in_progress",
  "sync.push_rejected",
  "template.invalid",
  "validate.usage",
  "worker.ambiguous",
  "worker.no_log",
  "worker.not_found",
  "worker.port_unusable",
  "worker.start_failed",
] as const;

/** The name of one expected failure. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What an {@link AexpError} carries beside its message. */
export interface AexpErrorDetails {
  readonly code: ErrorCode;
  /** One imperative sentence that says what to do, with a command where there is one. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * A failure that we expect and can explain. Everything else that escapes is a bug and is reported as one.
 *
 * The message says what was found or tried, quotes the value and names what was expected.
 */
export class AexpError extends Error {
  override readonly name = "AexpError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(message: string, details: AexpErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.hint = details.hint;
  }
}

/** The words of any thrown value, for a message that reports it. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` that Node puts on system errors (`ENOENT`, `EACCES`, …), or `undefined`. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
