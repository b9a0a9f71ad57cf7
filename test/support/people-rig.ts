/** What the tests of people in the loop share: projects whose agents ask, and what people and the record see of a task. */

import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AskView } from '../../src/core/ask-types.ts';
import type { TaskId } from '../../src/core/ids.ts';
import type { Happened } from '../../src/core/task-events.ts';
import type { Phase } from '../../src/core/task-types.ts';
import { Engine, type EngineOptions } from './engine.ts';
import { eventually } from './eventually.ts';
import { SampleProject } from './sample-project.ts';
import { agentScript, GATE, projectFile } from './scripted-agent.ts';

/** A line of shell that leaves a report; once the prompt has some words, it does something else instead. */
export function unlessTold(words: string, report: unknown, then = ':'): string {
  return `if told '${words}'; then ${then}; else report '${JSON.stringify(report)}'; fi`;
}

export class PeopleRig {
  readonly engine: Engine;
  #projects = 0;

  private constructor(engine: Engine) {
    this.engine = engine;
  }

  static async start(options: EngineOptions = {}): Promise<PeopleRig> {
    return new PeopleRig(await Engine.start(options));
  }

  stop(): Promise<void> {
    return this.engine.stop();
  }

  /**
   * A project whose agent does a line of shell in each phase. It keeps each prompt, and has `told WORDS`, which says
   * whether the prompt has them, `report JSON`, and `until_open NAME`, which waits for {@link PeopleRig.open}.
   */
  async project(
    phases: Partial<Readonly<Record<Phase, string>>>,
    more = '',
    gate = GATE,
  ): Promise<{ readonly name: string; readonly project: SampleProject }> {
    this.#projects += 1;
    const name = `people-${this.#projects}`;
    const prelude = [
      `cp "$TASKS_PROMPT_FILE" '${this.engine.home}'/prompt-$TASKS_TASK_ID-$TASKS_ATTEMPT-$TASKS_PHASE`,
      'told() { grep -qF -- "$1" "$TASKS_PROMPT_FILE"; }',
      `report() { printf '%s' "$1" > "$TASKS_REPORT_FILE"; }`,
      this.waits,
    ].join('\n');
    const project = await SampleProject.create({
      'tasks.yaml': projectFile(more).replace('sample', name),
      'gate.sh': `${this.waits}\n${gate}`,
      'agent.sh': agentScript(phases, prelude),
    });
    return { name, project };
  }

  /** A line of shell that defines `until_open NAME`. */
  get waits(): string {
    return `until_open() { while [ ! -e '${this.engine.home}'/open-"$1" ]; do sleep 0.02; done; }`;
  }

  /** Lets go on what waits for the name (`until_open NAME`). */
  async open(name: string): Promise<void> {
    await writeFile(join(this.engine.home, `open-${name}`), '');
  }

  /** The prompts that a task's attempts were given, in their order. */
  async prompts(id: TaskId): Promise<readonly { readonly phase: string; readonly text: string }[]> {
    const found: { attempt: number; phase: string; name: string }[] = [];
    for (const name of await readdir(this.engine.home)) {
      const [, attempt, phase] = new RegExp(`^prompt-${id}-(\\d+)-(\\w+)$`).exec(name) ?? [];
      if (attempt !== undefined && phase !== undefined) found.push({ attempt: Number(attempt), phase, name });
    }
    const ordered = found.toSorted((one, other) => one.attempt - other.attempt);
    return Promise.all(
      ordered.map(async ({ phase, name }) => ({ phase, text: await readFile(join(this.engine.home, name), 'utf8') })),
    );
  }

  async lastPrompt(id: TaskId): Promise<string> {
    return (await this.prompts(id)).at(-1)?.text ?? '';
  }

  /** The phases that a task's agent was started in. */
  async phases(id: TaskId): Promise<readonly string[]> {
    return (await this.prompts(id)).map(({ phase }) => phase);
  }

  /** What is open, once a task asks for something of a version. */
  async asked(id: TaskId, version: number): Promise<readonly AskView[]> {
    return eventually(`task ${id} to ask for version ${version}`, async () => {
      const { asks } = await this.engine.detail(id);
      return asks.some((ask) => ask.version === version) ? asks : null;
    });
  }

  /** Everything on record of one kind, once there is so much of it. */
  happened<K extends Happened['kind']>(
    id: TaskId,
    kind: K,
    times: number,
  ): Promise<readonly Extract<Happened, { kind: K }>[]> {
    return eventually(`${times} of ${kind} on the record of ${id}`, async () => {
      const all = (await this.engine.ledger.readEvents(id)).map((event) => event.happened);
      const found = all.filter((event): event is Extract<Happened, { kind: K }> => event.kind === kind);
      return found.length === times ? found : null;
    });
  }

  /** The current details, as the Temporal Web UI shows them. */
  async details(id: TaskId): Promise<string> {
    const metadata: unknown = await this.engine.handle(id).query('__temporal_workflow_metadata');
    const shown: unknown = typeof metadata === 'object' && metadata !== null && Reflect.get(metadata, 'currentDetails');
    return typeof shown === 'string' ? shown : '';
  }

  exists(name: string): boolean {
    return existsSync(join(this.engine.home, name));
  }
}
