/**
 * A project for the fault suite: a bare origin, an agent that does what its task's title says, and a gate that writes
 * down which content it found green. So what was tested is told by the gate itself, not by the engine.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { cleanEnvironment, git } from './commands.ts';

/** What an agent does beside its work, by a word in the title. */
const AGENT = (told: string): string => `#!/bin/sh
set -eu
say() { printf '%s' "$1" > "$TASKS_REPORT_FILE"; }
told='${told}'
has() { grep -q -- "$1" "$TASKS_PROMPT_FILE"; }
is() { head -n 1 "$TASKS_PROMPT_FILE" | grep -q -- "$1"; }
# Waits at a named place, once: the first that comes there.
at() { if mv "$told/stop-$1" "$told/at-$1" 2> /dev/null; then
  until [ -e "$told/go" ]; do sleep 0.05; done; echo "$1" >> "$told/went-on"; fi; }
case $TASKS_PHASE in
  understand) echo small > "$TASKS_TASK_DIR/understanding.md" ;;
  plan) echo 'one file' > "$TASKS_TASK_DIR/plan.md" ;;
  *)
    if is '(asks)' && ! has 'answered:'; then say '{"status":"question","question":"Sure?"}'; exit 0; fi
    at agent-runs
    mkdir -p work
    echo "$TASKS_TASK_ID" > "work/$TASKS_TASK_ID"
    if is '(commits)'; then
      git add work
      # An earlier attempt may have come as far.
      git diff --cached --quiet || git -c user.name=A -c user.email=a@example.test commit -q -m 'Half of it'
      at agent-committed
      echo more >> "work/$TASKS_TASK_ID"
    fi
    if is '(red)'; then
      if [ "$TASKS_PHASE" = revise ]; then rm -f broken-*; else echo x > "broken-$TASKS_TASK_ID"; fi
    fi
    ;;
esac
say '{"status":"done","summary":"as planned"}'
at agent-reported
`;

const GATE = (told: string): string => `set -eu
if mv '${told}/stop-gate-runs' '${told}/at-gate-runs' 2> /dev/null; then
  until [ -e '${told}/go' ]; do sleep 0.05; done
  echo gate-runs >> '${told}/went-on'
fi
for one in broken-*; do [ -e "$one" ] && { echo "$one is there"; exit 1; }; done
cat work/* 2> /dev/null | sha1sum | cut -c 1-40 >> '${told}/green'
`;

/** Hooks stop at a named place, once; what they are part of goes on when they are let go. */
const HOOK = (told: string, name: string): string => `#!/bin/sh
told='${told}'
at() { mv "$told/stop-$1" "$told/at-$1" 2> /dev/null || return 0
  n=0; until [ -e "$told/go" ] || [ $n -gt 2400 ]; do sleep 0.05; n=$((n + 1)); done; echo "$1" >> "$told/went-on"; }
[ '${name}' = transaction ] && [ "$1" != prepared ] && exit 0
while read -r old new ref; do
  case "$ref $new" in
    "refs/heads/main "*) at ${name}-landing ;;
    refs/tasks/*" "0000000*) at ${name}-cleaning ;;
    refs/tasks/*/head" "*) at ${name}-store ;;
  esac
done
exit 0
`;

const HOOKS: readonly (readonly [file: string, name: string])[] = [
  ['pre-receive', 'before'],
  ['reference-transaction', 'transaction'],
  ['post-receive', 'after'],
];

export class FaultProject {
  readonly name: string;
  readonly origin: string;
  readonly clone: string;
  /** Where agents, gates and hooks are told to wait, and tell that they do. */
  readonly told: string;
  readonly #blobs = new Map<string, string>();

  private constructor(name: string, folder: string) {
    this.name = name;
    this.origin = join(folder, 'origin.git');
    this.clone = join(folder, 'clone');
    this.told = join(folder, 'told');
  }

  /** @param more further lines of tasks.yaml; `hooks`: the origin stops at named places */
  static async make(
    name: string,
    folder: string,
    { more = '', hooks = false, told = join(folder, 'told') } = {},
  ): Promise<FaultProject> {
    const project = new FaultProject(name, folder);
    await mkdir(project.clone, { recursive: true });
    await mkdir(project.told);
    await git(project.clone, 'init', '--quiet', '--initial-branch=main');
    const yaml = [`project: ${name}`, 'branch: main', 'gate: sh gate.sh', 'agent:', '  command: [sh, agent.sh]', more];
    await writeFile(join(project.clone, 'tasks.yaml'), `${yaml.join('\n')}\n`);
    await writeFile(join(project.clone, 'agent.sh'), AGENT(told));
    await writeFile(join(project.clone, 'gate.sh'), GATE(told));
    await git(project.clone, 'add', '-A');
    await git(project.clone, 'commit', '--quiet', '-m', 'Begin');
    await git(folder, 'clone', '--quiet', '--bare', project.clone, project.origin);
    await git(project.clone, 'remote', 'add', 'origin', project.origin);
    await git(project.clone, 'fetch', '--quiet', 'origin');
    if (hooks) {
      for (const [file, at] of HOOKS) {
        const path = join(project.origin, 'hooks', file);
        await writeFile(path, HOOK(told, at));
        await chmod(path, 0o755);
      }
    }
    return project;
  }

  /** The next one that comes to the place waits there. */
  async stopAt(place: string): Promise<void> {
    await rm(join(this.told, `at-${place}`), { force: true });
    await writeFile(join(this.told, `stop-${place}`), '');
  }

  isAt(place: string): boolean {
    return existsSync(join(this.told, `at-${place}`));
  }

  /** Whether whoever was there was seen to go on. */
  wentOn(place: string): boolean {
    const file = join(this.told, 'went-on');
    return existsSync(file) && readFileSync(file, 'utf8').split('\n').includes(place);
  }

  /** Whoever waits goes on; nobody is stopped any more before {@link reset}. */
  async letGo(): Promise<void> {
    await writeFile(join(this.told, 'go.new'), '');
    await rename(join(this.told, 'go.new'), join(this.told, 'go'));
  }

  async reset(): Promise<void> {
    for (const name of ['go', 'went-on']) await rm(join(this.told, name), { force: true });
  }

  /** First-parent commits of main since the beginning, oldest first, with the task that each names. */
  async landings(): Promise<readonly { readonly commit: string; readonly task: string }[]> {
    const format = '%H %(trailers:key=Task-Id,valueonly,separator=%x2C)';
    const text = await git(this.origin, 'log', '--first-parent', '--reverse', `--format=${format}`, 'main');
    return text
      .split('\n')
      .slice(1)
      .map((line) => ({ commit: line.slice(0, 40), task: line.slice(41).trim() }));
  }

  /** The first-parent commits whose content no gate has written down as green. */
  async untested(): Promise<readonly string[]> {
    const file = join(this.told, 'green');
    const green = new Set(existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []);
    const wrong: string[] = [];
    for (const { commit } of await this.landings()) {
      if (!green.has(await this.#digestOf(commit))) wrong.push(commit);
    }
    return wrong;
  }

  async refs(): Promise<ReadonlyMap<string, string>> {
    const text = await git(this.origin, 'for-each-ref', '--format=%(refname) %(objectname)');
    return new Map(text.split('\n').map((line) => line.split(' ') as [string, string]));
  }

  /** As the gate makes it: the files of work/ one behind the other, by their names. */
  async #digestOf(commit: string): Promise<string> {
    const lines = (await git(this.origin, 'ls-tree', commit, 'work/')).split('\n').filter((one) => one !== '');
    const files = lines.map((line) => {
      const [facts = '', name = ''] = line.split('\t');
      return { name, blob: facts.split(' ')[2] ?? '' };
    });
    const hash = createHash('sha1');
    for (const { blob } of files.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
      const text = this.#blobs.get(blob) ?? `${await git(this.origin, 'cat-file', 'blob', blob)}\n`;
      this.#blobs.set(blob, text);
      hash.update(text);
    }
    return hash.digest('hex');
  }

  async untilAt(place: string, timeoutMs?: number): Promise<void> {
    await eventually(`somebody to be at ${place}`, () => this.isAt(place), timeoutMs);
  }
}

/** The environment of a command in the project's clone. */
export function placeOf(project: FaultProject, env: Readonly<Record<string, string>>) {
  return { cwd: project.clone, env: cleanEnvironment({ GIT_CONFIG_GLOBAL: '/dev/null', ...env }) };
}
