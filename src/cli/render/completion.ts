/** Completion scripts. Pure: from the shape of the command table. Ids are completed by asking `tasks list`. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export interface OptionShape {
  readonly name: string;
  readonly description: string;
  /** What it is followed by: nothing, a file, one of these words, what a shell command prints, or anything. */
  readonly value: 'none' | 'file' | 'any' | { readonly words: readonly string[] } | { readonly command: string };
}

export interface CommandShape {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionShape[];
  /** Its commands, such as `pause` of `queue`. */
  readonly below: readonly string[];
}

/** The commands that take ids. */
const WITH_IDS = ['show', 'logs', 'cancel', 'wait', 'comment', 'edit'];
/** The commands that reply, and how the command that the inbox prints for them begins. */
const WITH_WAITING: Readonly<Record<string, string>> = {
  answer: 'answer',
  approve: 'approve',
  revise: 'approve',
  reject: 'approve',
};
/** The ids of what waits for this reply; a query of the whole inbox, which is short. */
const listWaiting = (reply: string): string =>
  String.raw`tasks inbox --json 2>/dev/null | sed -n '/"reply":"tasks ${reply} /s/^{"id":"\([0-9a-z]*\)".*/\1/p'`;
const LIST_IDS = String.raw`tasks list --json 2>/dev/null | sed -n 's/^{"id":"\([0-9a-z]*\)".*/\1/p'`;
/** What has failed, and what ended without landing otherwise. */
const LIST_RETRIED = String.raw`{ tasks failed --json; tasks list --state rejected,canceled --limit 100 --json; } 2>/dev/null | sed -n 's/^{"id":"\([0-9a-z]*\)".*/\1/p' | sort -u`;

export function renderCompletion(shell: Shell, commands: readonly CommandShape[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return `#compdef tasks\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}\n${zshFiles(commands)}`;
    case 'fish':
      return fish(commands);
  }
}

function bash(commands: readonly CommandShape[]): string {
  const cases = commands.map(({ name, options }) => `    ${name}) words="${options.map((o) => o.name).join(' ')}" ;;`);
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap((option) => {
      const offered = bashValues(option.value);
      return offered === null ? [] : [`    "${name} ${option.name}") ${offered} return ;;`];
    }),
  );
  const waiting = Object.entries(WITH_WAITING).map(
    ([name, reply]) => `        ${name}) COMPREPLY=($(compgen -W "$(${listWaiting(reply)})" -- "$cur")) ;;`,
  );
  const below = commands
    .filter((command) => command.below.length > 0)
    .map(
      (command) =>
        `        ${command.name}) [ "$COMP_CWORD" -eq 2 ] && COMPREPLY=($(compgen -W "${command.below.join(' ')}" -- "$cur")) ;;`,
    );
  return `_tasks() {
  local cur=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')}" -- "$cur"))
    return
  fi
  COMPREPLY=()
  case "\${COMP_WORDS[1]} $before" in
${values.join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  case "$cur" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
    *)
      case "\${COMP_WORDS[1]}" in
        ${WITH_IDS.join('|')}) COMPREPLY=($(compgen -W "$(${LIST_IDS})" -- "$cur")) ;;
        retry) COMPREPLY=($(compgen -W "$(${LIST_RETRIED})" -- "$cur")) ;;
${[...waiting, ...below].join('\n')}
        completion) COMPREPLY=($(compgen -W "${SHELLS.join(' ')}" -- "$cur")) ;;
      esac ;;
  esac
}
complete -F _tasks tasks`;
}

/** The statement that fills the offers; null for an option that takes no value. */
function bashValues(value: OptionShape['value']): string | null {
  if (value === 'none') return null;
  if (value === 'any') return '';
  // One name a line; and as names of files, so that bash quotes them.
  if (value === 'file')
    return String.raw`local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null;`;
  const words = 'words' in value ? value.words.join(' ') : `$(${value.command})`;
  return `COMPREPLY=($(compgen -W "${words}" -- "$cur"));`;
}

/** Files as zsh itself completes them: bash's way knows no folders there, nor what is quoted already. */
function zshFiles(commands: readonly CommandShape[]): string {
  const places = commands.flatMap(({ name, options }) =>
    options.filter(({ value }) => value === 'file').map((option) => `"${name} ${option.name}"`),
  );
  return `_tasks_or_files() {
  case "$words[2] $words[CURRENT-1]" in
    (${places.join('|')}) _files ;;
    (*) _bash_complete -F _tasks ;;
  esac
}
compdef _tasks_or_files tasks`;
}

function fishValues(value: OptionShape['value']): string {
  if (value === 'none') return '';
  if (value === 'any') return ' -x';
  if (value === 'file') return ' -r -F';
  return ` -x -a ${fishText('words' in value ? value.words.join(' ') : `(${value.command})`)}`;
}

function fishText(words: string): string {
  return `'${words.replace(/[\\']/g, (character) => `\\${character}`)}'`;
}

function fish(commands: readonly CommandShape[]): string {
  const lines = ['complete -c tasks -f'];
  for (const { name, description, options, below } of commands) {
    lines.push(`complete -c tasks -n __fish_use_subcommand -a ${name} -d ${fishText(description)}`);
    if (below.length > 0) {
      const first = `__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${below.join(' ')}`;
      lines.push(`complete -c tasks -n '${first}' -a '${below.join(' ')}'`);
    }
    for (const option of options) {
      const long = option.name.replace(/^--/, '');
      lines.push(
        `complete -c tasks -n '__fish_seen_subcommand_from ${name}' -l ${long}${fishValues(option.value)} -d ${fishText(option.description)}`,
      );
    }
  }
  for (const [name, reply] of Object.entries(WITH_WAITING)) {
    lines.push(`complete -c tasks -n '__fish_seen_subcommand_from ${name}' -a ${fishText(`(${listWaiting(reply)})`)}`);
  }
  lines.push(
    `complete -c tasks -n '__fish_seen_subcommand_from ${WITH_IDS.join(' ')}' -a ${fishText(`(${LIST_IDS})`)}`,
    `complete -c tasks -n '__fish_seen_subcommand_from retry' -a ${fishText(`(${LIST_RETRIED})`)}`,
    `complete -c tasks -n '__fish_seen_subcommand_from completion' -a '${SHELLS.join(' ')}'`,
  );
  return lines.join('\n');
}
