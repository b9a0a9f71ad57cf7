/** On which terms a phase runs: its set-up, its agent, and how both are confined. */

import type { Failure } from '../core/failure.ts';
import type { ObjectId } from '../core/ids.ts';
import type { AgentDefinition, Confinement, ProjectSettings } from '../core/project.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import type { Phase } from '../core/task-types.ts';
import type { GitRoom } from '../git/types.ts';
import type { ProcessRoom } from '../process/types.ts';
import { confining, type Confining, type HostConfinement } from './confine.ts';
import type { Dependencies } from './dependencies.ts';
import { readSettings } from './project-settings.ts';

/** What tasks.yaml says of a phase. */
export interface Asked {
  readonly settings: ProjectSettings;
  /** Null: a shell command's. */
  readonly definition: AgentDefinition | null;
}

/** What holds for it on this host. */
export interface Terms extends Asked {
  readonly wanted: Confinement;
  readonly confined: Exclude<Confining, { kind: 'refused' }>;
}

type Needs = Pick<Dependencies, 'parseSettings'> & {
  readonly git: Pick<GitRoom, 'readFileAt' | 'lookAtMain'>;
  readonly confinement: Pick<HostConfinement, 'sandbox'>;
  readonly process: Pick<ProcessRoom, 'sandbox'>;
};
type OfTask = Pick<PhaseRequest, 'spec'>;
type OrRefused<T> = ({ readonly kind: 'ok' } & T) | Refused;
/** `isAway`: the origin has been reached before, and comes back by itself. */
type Refused = { readonly kind: 'refused'; readonly failure: Failure; readonly isAway?: true };

/** By the tasks.yaml with which the task was submitted. */
export async function asSubmitted(deps: Needs, request: OfTask): Promise<OrRefused<Asked>> {
  const { spec } = request;
  const read = await readSettings(deps, spec, spec.configCommit);
  if (read.kind === 'failed') return { ...read, kind: 'refused' };
  const agent = agentOf(request, read.settings.agents);
  if (agent.kind === 'refused') return agent;
  const asked: Asked = { settings: read.settings, definition: agent.definition };
  const refused = under(deps, asked.settings, asked.definition);
  // Nothing is made for it, unless somebody has mended that on main since.
  if (refused.kind === 'refused') {
    const main = await deps.git.lookAtMain(spec, null);
    if (main === null || (await termsOn(deps, request, main.commit, asked)).kind === 'refused') return refused;
  }
  return { kind: 'ok', ...asked };
}

/**
 * By the tasks.yaml of the main that the workspace stands on: what somebody has mended there counts for what was submitted
 * before, and set-up is that of the tree in which it is run. As submitted where main's cannot be used, or knows the
 * agent no more.
 *
 * @param base a commit of main: nothing that the task has changed is read
 */
export async function termsOn(
  deps: Needs,
  { spec }: OfTask,
  base: ObjectId,
  submitted: Asked,
): Promise<OrRefused<Terms>> {
  const unchanged = (): OrRefused<Terms> => under(deps, submitted.settings, submitted.definition);
  if (base === spec.configCommit) return unchanged();
  const read = await readSettings(deps, spec, base);
  if (read.kind === 'failed') return unchanged();
  const { work } = spec;
  const definition = work.kind === 'shell' ? null : (read.settings.agents[work.agent] ?? submitted.definition);
  return under(deps, read.settings, definition);
}

function under(deps: Needs, settings: ProjectSettings, definition: AgentDefinition | null): OrRefused<Terms> {
  const wanted = confinementOf(definition, settings);
  const confined = confining(deps, wanted, settings.setup === null ? 'none' : settings.confinement.setup);
  return confined.kind === 'refused' ? confined : { kind: 'ok', settings, definition, wanted, confined };
}

function confinementOf(definition: AgentDefinition | null, { confinement }: ProjectSettings): Confinement {
  return {
    sandbox: definition?.sandbox ?? confinement.sandbox,
    network: definition?.network ?? confinement.agents,
  };
}

function agentOf(
  { spec: { work, configCommit } }: OfTask,
  agents: Readonly<Record<string, AgentDefinition>>,
): OrRefused<Pick<Asked, 'definition'>> {
  if (work.kind === 'shell') return { kind: 'ok', definition: null };
  const definition = agents[work.agent];
  if (definition !== undefined) return { kind: 'ok', definition };
  return {
    kind: 'refused',
    failure: {
      kind: 'bad-configuration',
      message: `tasks.yaml at ${configCommit} has no agent ${work.agent}`,
      next: `add it under agents: in tasks.yaml, commit, and submit again; it has ${Object.keys(agents).join(', ')}`,
    },
  };
}

/** Only the reading phases can be: without execute there is no work, and what came back must be revised. */
export function isLeftOut(phase: Phase, definition: AgentDefinition | null): boolean {
  if (phase !== 'understand' && phase !== 'plan') return false;
  return definition?.kind === 'command' && !definition.phases.includes(phase);
}
