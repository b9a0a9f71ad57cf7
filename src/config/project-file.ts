/** tasks.yaml: its text to settings completed with defaults. Pure. */

import { createHash } from 'node:crypto';
import { DEFAULT_STAGE_GATES, type Patience } from '../core/ask-types.ts';
import { parseDuration } from '../core/duration.ts';
import { parseBranchName, parseProjectName, quote } from '../core/ids.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import type {
  AgentDefinition,
  Confinement,
  GateCommand,
  GateConfinement,
  GateDefinition,
  ProjectSettings,
} from '../core/project.ts';
import type { Phase } from '../core/task-types.ts';
import { oneLine } from '../core/text.ts';
import type { ReadGate } from '../git/types.ts';
import { check, didYouMean } from './explain.ts';
import { completeMerges } from './merges-schema.ts';
import { completeRules } from './notify-schema.ts';
import { DEFAULT_GATE_TIMEOUT } from './gate-schema.ts';
import { completePolicy } from './policy-schema.ts';
import { AGENT_NAME, DEFAULT_REVISIONS, DEFAULT_TURN, projectSchema, type ProjectFile } from './project-schema.ts';
import { readYaml } from './yaml-text.ts';

export const PROJECT_FILE = 'tasks.yaml';
const DEFAULT_PHASES: readonly Phase[] = ['understand', 'plan', 'execute', 'revise'];
const MAX_NAME_CHARS = 60;

/** What a tasks.yaml says; an error is one line that begins `tasks.yaml: ` and names the key and the fix. */
export function parseProjectFile(text: string): Parsed<ProjectSettings> {
  const yaml = readYaml(PROJECT_FILE, text);
  if (yaml.kind === 'invalid') return yaml;
  const checked = check(PROJECT_FILE, projectSchema, yaml.value ?? {});
  return checked.kind === 'invalid' ? checked : complete(checked.value);
}

/** The gate as a commit's tasks.yaml defines it; for landing. */
export const readGate: ReadGate = (text) => {
  if (text === null) {
    return {
      kind: 'invalid',
      message: `${PROJECT_FILE}: is not on the branch; commit it there, since it says how to test the project`,
    };
  }
  const settings = parseProjectFile(text);
  return settings.kind === 'invalid'
    ? settings
    : {
        kind: 'ok',
        gate: settings.value.gate,
        window: settings.value.window,
        batch: settings.value.batch,
        verify: settings.value.verify,
        merges: settings.value.merges,
      };
};

function complete(file: ProjectFile): Parsed<ProjectSettings> {
  const project = parseProjectName(file.project);
  if (project.kind === 'invalid') return fail(`${PROJECT_FILE}: ${project.message}`);
  const branch = parseBranchName(file.branch);
  if (branch.kind === 'invalid') return fail(`${PROJECT_FILE}: ${branch.message}`);
  const gate = completeGate(file);
  if (gate.kind === 'invalid') return gate;
  const agents = completeAgents(file);
  if (agents.kind === 'invalid') return agents;
  const merges = completeMerges(file.merges ?? []);
  if (merges.kind === 'invalid') return fail(`${PROJECT_FILE}: ${merges.message}`);
  return ok({
    project: project.value,
    branch: branch.value,
    setup: file.setup ?? null,
    gate: gate.value,
    agent: agents.value.agent,
    agents: agents.value.agents,
    policy: {
      ...completePolicy(file),
      revisions: file.revisions ?? DEFAULT_REVISIONS,
      turnMs: durationMs(file.turn ?? DEFAULT_TURN),
      approve: file.approve ?? DEFAULT_STAGE_GATES,
      patience: completePatience(file.asking),
      notify: completeRules(file.notify),
    },
    window: file.window ?? null,
    confinement: {
      sandbox: file.sandbox ?? 'preferred',
      agents: file.network?.agents ?? 'full',
      setup: file.network?.setup ?? 'full',
    },
    protected: file.protected ?? [],
    requires: requiredOf(file),
    batch: file.batch ?? false,
    verify: file.verify ?? false,
    merges: merges.value,
  });
}

function requiredOf({ requires }: ProjectFile): readonly string[] {
  return [...new Set(requires ?? [])].sort();
}

/** Nothing where the file says nothing: the gate's hash is then what it always was. */
function gateConfinement({ sandbox, network }: ProjectFile): { confinement?: GateConfinement } {
  const { gate, setup } = network ?? {};
  if (sandbox === undefined && gate === undefined && setup === undefined) return {};
  return {
    confinement: { sandbox: sandbox ?? 'preferred', network: gate ?? 'none', setup: setup ?? 'full' },
  };
}

function completePatience(asking: ProjectFile['asking']): Patience {
  const { remind, escalate, expire } = asking ?? {};
  return {
    remindMs: remind === undefined ? null : durationMs(remind),
    escalate: escalate === undefined ? null : { afterMs: durationMs(escalate.after), to: oneLine(escalate.to, 100) },
    expire: expire === undefined ? null : { afterMs: durationMs(expire.after), outcome: expire.outcome ?? 'default' },
  };
}

function completeGate(file: ProjectFile): Parsed<GateDefinition> {
  const list = Array.isArray(file.gate) ? file.gate : [file.gate];
  const commands = list.map((each): GateCommand => {
    const { run, name, timeout, mode, needs } = typeof each === 'string' ? { run: each } : each;
    return {
      name: name ?? oneLine(run, MAX_NAME_CHARS),
      run,
      timeoutMs: durationMs(timeout ?? DEFAULT_GATE_TIMEOUT),
      ...(mode === undefined || mode === 'strict' ? {} : { mode }),
      ...(needs === undefined ? {} : { needs }),
    };
  });
  const names = new Set<string>();
  for (const { name } of commands) {
    if (names.has(name)) {
      return fail(`${PROJECT_FILE}: gate: ${quote(name)} is there twice; give each command a name of its own`);
    }
    names.add(name);
  }
  const wrong = wrongNeeds(commands);
  if (wrong !== null) return fail(`${PROJECT_FILE}: gate: ${wrong}`);
  const setup = file.setup ?? null;
  const requires = requiredOf(file);
  const where = { ...gateConfinement(file), ...(requires.length === 0 ? {} : { requires }) };
  return ok({ setup, commands, ...where, hash: hashGate(setup, commands, where) });
}

/** Why what the commands need can never be had; null when it can. */
function wrongNeeds(commands: readonly GateCommand[]): string | null {
  const names = new Set(commands.map(({ name }) => name));
  for (const { name, needs = [] } of commands) {
    const unknown = needs.find((other) => !names.has(other));
    if (unknown !== undefined) return `${quote(name)} needs ${quote(unknown)}, which is no command's name; mend needs`;
  }
  const ended = new Set<string>();
  for (let rounds = 0; rounds <= commands.length; rounds += 1) {
    for (const { name, needs = [] } of commands) if (needs.every((other) => ended.has(other))) ended.add(name);
  }
  const stuck = commands.find(({ name }) => !ended.has(name));
  return stuck === undefined ? null : `${quote(stuck.name)} needs what needs it in turn; take one of its needs away`;
}

/** The keys in one fixed order: the same definition has the same hash, however the file was written. */
function hashGate(
  setup: string | null,
  commands: readonly GateCommand[],
  { confinement, requires }: Pick<GateDefinition, 'confinement' | 'requires'>,
): string {
  const canonical = JSON.stringify([
    setup,
    commands.map(({ name, run, timeoutMs, mode, needs }) => {
      const rest = [...(mode === undefined ? [] : [{ mode }]), ...(needs === undefined ? [] : [{ needs }])];
      return [name, run, timeoutMs, ...rest];
    }),
    ...(confinement === undefined ? [] : [[confinement.sandbox, confinement.network, confinement.setup]]),
    ...(requires === undefined ? [] : [{ requires }]),
  ]);
  return createHash('sha256').update(canonical).digest('hex');
}

type Definitions = Record<string, AgentDefinition>;

function completeAgents(file: ProjectFile): Parsed<{ readonly agent: string; readonly agents: Definitions }> {
  const agents: Definitions = { claude: { kind: 'claude', model: null, args: [] } };
  for (const [name, given] of Object.entries(file.agents ?? {})) {
    if (name === 'shell') {
      return fail(`${PROJECT_FILE}: agents.shell: shell is for tasks submit --run and no agent; choose another name`);
    }
    if (Object.keys(given).length === 0 && name !== 'claude') {
      return fail(`${PROJECT_FILE}: agents.${name}: is empty; add command: [program, "{prompt_file}"], or model: NAME`);
    }
    agents[name] = toDefinition(given);
  }
  const agent = file.agent ?? 'claude';
  if (typeof agent !== 'string') {
    const name = nameOf(agent.command[0] ?? '', agents);
    agents[name] = toDefinition(agent);
    return ok({ agent: name, agents });
  }
  if (Object.hasOwn(agents, agent)) return ok({ agent, agents });
  if (agent === 'shell') {
    return fail(
      `${PROJECT_FILE}: agent: shell is no agent; submit commands with tasks submit --run, and name claude here`,
    );
  }
  const known = Object.keys(agents);
  return fail(
    `${PROJECT_FILE}: agent: ${quote(agent)} is not known${didYouMean(agent, known)} (known: ${known.join(', ')}); add others under agents, or write agent: {command: [program, "{prompt_file}"]}`,
  );
}

type GivenAgent = NonNullable<ProjectFile['agents']>[string];

function toDefinition({ command, phases, model, args, sandbox, network }: GivenAgent): AgentDefinition {
  const confined: Partial<Confinement> = {
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(network === undefined ? {} : { network }),
  };
  if (command !== undefined) return { kind: 'command', command, phases: phases ?? DEFAULT_PHASES, ...confined };
  return { kind: 'claude', model: model ?? null, args: args ?? [], ...confined };
}

/** An agent that was defined where it is named is called after its program. */
function nameOf(program: string, taken: Definitions): string {
  const base = (program.split(/[\\/]/).at(-1) ?? '').toLowerCase().replace(/\.[a-z]{1,4}$/, '');
  const isFree = AGENT_NAME.test(base) && base !== 'shell' && !Object.hasOwn(taken, base);
  let name = isFree ? base : 'agent';
  for (let n = 2; Object.hasOwn(taken, name); n += 1) name = `agent-${n}`;
  return name;
}

/** Of a text that the schema has let through. */
function durationMs(text: string): number {
  // What is the least was looked at where it was read.
  const parsed = parseDuration(text, 0);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
}
