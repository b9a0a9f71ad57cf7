/** The examples below the help of each command. */

import type { Command } from 'commander';

/** By the command's words. Each is a line that can be pasted, with ids, names and texts of one's own. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  up: ['tasks up --detach', 'tasks up --agents 4 --gates 2'],
  down: ['tasks down'],
  worker: ['tasks worker --agents 4 --gates 2', 'tasks worker --labels gpu,linux'],
  status: ['tasks status', 'tasks status --json'],
  submit: [
    'tasks submit "Fix the flaky test" --body "It fails on Mondays" --wait',
    'tasks submit "Sort the imports" --run "npx --no-install some-codemod" --priority bulk',
    'git diff | tasks submit "Review this" --file -',
    'tasks submit --from tasks.jsonl',
    'tasks submit "Move to the new API" --approve plan,patch',
    'tasks submit "Which region?" --for Ada --blocks 7fk2 --choices eu,us --default eu',
  ],
  wait: [
    'tasks wait 7fk2 m0q3',
    'tasks wait --all --project shop --timeout 30m',
    'tasks wait --all --no-wait-for-people',
  ],
  list: ['tasks list', 'tasks list --project shop --state waiting,landing', 'tasks list --all --json'],
  show: ['tasks show 7fk2'],
  logs: ['tasks logs 7fk2 --follow', 'tasks logs 7fk2 --attempt 2'],
  queue: ['tasks queue --project shop', 'tasks queue pause', 'tasks queue promote 7fk2', 'tasks queue remove 7fk2'],
  'queue pause': ['tasks queue pause --project shop', 'tasks queue pause --project shop --branch release'],
  'queue resume': ['tasks queue resume --project shop'],
  'queue promote': ['tasks queue promote 7fk2'],
  'queue remove': ['tasks queue remove 7fk2'],
  conflicts: ['tasks conflicts --project shop'],
  flakes: ['tasks flakes --project shop --limit 20'],
  inbox: ['tasks inbox --mine', 'tasks inbox --watch'],
  answer: ['tasks answer 7fk2@3 "Yes, the second one"', 'tasks answer 7fk2 2', 'tasks answer 7fk2 --file notes.md'],
  approve: ['tasks approve 7fk2@3', 'tasks approve 7fk2 --edit', 'tasks approve 7fk2@4 --accept 1,3 --drop 2'],
  revise: ['tasks revise 7fk2@3 "Keep the old name as an alias"'],
  reject: ['tasks reject 7fk2@3 --reason "We drop this module"'],
  comment: ['tasks comment 7fk2 "The staging database is back"'],
  edit: ['tasks edit 7fk2 --title "Sort the imports of the tests too"'],
  cancel: ['tasks cancel 7fk2', 'tasks cancel 7fk2 m0q3'],
  failed: ['tasks failed', 'tasks failed --project shop --limit 20'],
  retry: [
    'tasks retry 7fk2 --from plan',
    'tasks retry --all-failed',
    'tasks retry --where project=shop,failure=origin-unreachable',
  ],
  hosts: ['tasks hosts', 'tasks hosts drain ada', 'tasks hosts undrain ada'],
  'hosts drain': ['tasks hosts drain ada'],
  'hosts undrain': ['tasks hosts undrain ada'],
  gc: ['tasks gc --dry-run', 'tasks gc'],
  builds: ['tasks builds', 'tasks builds use 1.4.0'],
  'builds use': ['tasks builds use 1.4.0', 'tasks builds use none'],
  ledger: ['tasks ledger rebuild --dry-run'],
  'ledger rebuild': ['tasks ledger rebuild --dry-run', 'tasks ledger rebuild'],
  init: [
    'tasks init --commit',
    'tasks init --gate "make check" --setup ""',
    'tasks init --agent "my-agent --prompt-file {prompt_file}"',
  ],
  setup: ['tasks setup'],
  doctor: ['tasks doctor'],
  notify: ['tasks notify', 'tasks notify --test phone'],
  completion: ['source <(tasks completion bash)', 'tasks completion fish > ~/.config/fish/completions/tasks.fish'],
  keygen: ['tasks keygen --out ~/.config/tributary-payloads.key'],
  'codec-server': ['tasks codec-server', 'tasks codec-server --origin https://cloud.temporal.io'],
  help: ['tasks help submit', 'tasks help queue pause'],
};

/** Gives each command below, and those below it, its examples. */
export function addExamples(above: Command, words: readonly string[] = []): void {
  for (const command of above.commands) {
    const path = [...words, command.name()];
    const lines = examplesOf(path);
    if (lines.length > 0)
      command.addHelpText('after', ['\nExamples:', ...lines.map((line) => `  $ ${line}`)].join('\n'));
    addExamples(command, path);
  }
}

/** None for a command that has none, such as the `help` of a group. */
export function examplesOf(path: readonly string[]): readonly string[] {
  return EXAMPLES[path.join(' ')] ?? [];
}
