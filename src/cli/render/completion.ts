/** The shells that `aexp completion` writes scripts for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** As much of a command as completion offers. */
export interface CompletableCommand {
  /** Words separated by spaces, e.g. `runs list`. */
  readonly id: string;
  readonly summary: string;
  /** Long flags without dashes. */
  readonly flags: readonly string[];
}

/** A script that completes commands and flags; it holds the lists itself, so that a key press starts no process. */
export function renderCompletion(shell: Shell, commands: readonly CompletableCommand[]): string {
  switch (shell) {
    case "bash":
      return renderBash(commands);
    case "zsh":
      return `#compdef aexp\nautoload -U +X bashcompinit && bashcompinit\n${renderBash(commands)}`;
    case "fish":
      return renderFish(commands);
  }
}

function renderBash(commands: readonly CompletableCommand[]): string {
  const firstWords = [...new Set(commands.map(({ id }) => firstWord(id)))].toSorted();
  const topics = [...groupByTopic(commands)].map(
    ([topic, words]) => `    ${topic}) COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$word")); return ;;`,
  );
  const flags = commands.map(
    ({ id, flags: names }) => `    "${id}") flags="${names.map((name) => `--${name}`).join(" ")}" ;;`,
  );
  return `_aexp() {
  local word="\${COMP_WORDS[COMP_CWORD]}" one="\${COMP_WORDS[1]}" two="\${COMP_WORDS[2]}" flags=""
  if [[ "$word" == -* ]]; then
    case "$one $two" in
${flags.map((line) => line.replace(/"(\S+)"\)/, (_, id: string) => `"${id}"|"${id} "*)`)).join("\n")}
    esac
    COMPREPLY=($(compgen -W "$flags" -- "$word"))
    return
  fi
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "${firstWords.join(" ")}" -- "$word"))
    return
  fi
  if [[ $COMP_CWORD -eq 2 ]]; then
    case "$one" in
${topics.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _aexp aexp
`;
}

function renderFish(commands: readonly CompletableCommand[]): string {
  const lines = ["complete -c aexp -f"];
  for (const { id, summary, flags } of commands) {
    const [first = "", second] = id.split(" ");
    const about = quoteFish(summary);
    const condition =
      second === undefined
        ? `__fish_seen_subcommand_from ${first}`
        : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    lines.push(
      second === undefined
        ? `complete -c aexp -n __fish_use_subcommand -a ${first} -d ${about}`
        : `complete -c aexp -n "__fish_seen_subcommand_from ${first}" -a ${second} -d ${about}`,
      ...flags.map((flag) => `complete -c aexp -n "${condition}" -l ${flag}`),
    );
  }
  for (const topic of groupByTopic(commands).keys()) {
    lines.push(`complete -c aexp -n __fish_use_subcommand -a ${topic}`);
  }
  return `${lines.join("\n")}\n`;
}

function groupByTopic(commands: readonly CompletableCommand[]): Map<string, string[]> {
  const topics = new Map<string, string[]>();
  for (const { id } of commands) {
    const [topic = "", verb] = id.split(" ");
    if (verb !== undefined) topics.set(topic, [...(topics.get(topic) ?? []), verb]);
  }
  return topics;
}

function firstWord(id: string): string {
  return id.split(" ")[0] ?? id;
}

function quoteFish(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
