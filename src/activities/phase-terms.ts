/** On which terms a phase runs: its set-up, its agent, and how both are confined. */

import type { Failure } from '../core/failure.ts';
import type { ObjectId } from '../core/ids.ts';
import type { AgentDefinition, Confinement, ProjectSettings } from '../core/project.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import type { Phase } from '../core/task-types.ts';
import { confining, type Confining } from './confine.ts';
import type { Dependencies } from './dependencies.ts';
import { readSettings } from './project-settings.ts';

/** What tasks.yaml says of a phase. */
export interface Terms {
  readonly settings: ProjectSettings;
  /** Null: a shell command's. */
  readonly definition: AgentDefinition | null;
  readonly wanted: Confinement;
  readonly confined: Exclude<Confining, { kind: 'refused' }>;
}

export type TermsResult = ({ readonly kind: 'ok' } & Terms) | { readonly kind: 'refused'; readonly failure: Failure };

/** By the tasks.yaml with which the task was submitted. */
export async function submittedTerms(deps: Dependencies, request: PhaseRequest): Promise<TermsResult> {
  const { spec } = request;
  const read = await readSettings(deps, spec, spec.configCommit);
  if (read.kind === 'failed') return { kind: 'refused', failure: read.failure };
  const agent = agentOf(request, read.settings.agents);
  if (agent.kind === 'failed') return { kind: 'refused', failure: agent.failure };
  return under(deps, read.settings, agent.definition);
}

/**
 * By the tasks.yaml of the main that the workspace stands on: what somebody has mended there counts for what was submitted
 * before, and set-up is that of the tree in which it is run. As submitted where main's cannot be used, or knows the
 * agent no more.
 *
 * @param base a commit of main: nothing that the task has changed is read
 */
export async function termsOn(
  deps: Dependencies,
  { spec }: PhaseRequest,
  base: ObjectId,
  submitted: Terms,
): Promise<TermsResult> {
  if (base === spec.configCommit) return { kind: 'ok', ...submitted };
  const read = await readSettings(deps, spec, base);
  if (read.kind === 'failed') return { kind: 'ok', ...submitted };
  const { work } = spec;
  const definition = work.kind === 'shell' ? null : (read.settings.agents[work.agent] ?? submitted.definition);
  return under(deps, read.settings, definition);
}

function under(deps: Dependencies, settings: ProjectSettings, definition: AgentDefinition | null): TermsResult {
  const wanted = confinementOf(definition, settings);
  const confined = confining(deps, wanted, settings.setup === null ? 'none' : settings.confinement.setup);
  return confined.kind === 'refused'
    ? { kind: 'refused', failure: confined.failure }
    : { kind: 'ok', settings, definition, wanted, confined };
}

function confinementOf(definition: AgentDefinition | null, { confinement }: ProjectSettings): Confinement {
  return {
    sandbox: definition?.sandbox ?? confinement.sandbox,
    network: definition?.network ?? confinement.agents,
  };
}

function agentOf(
  request: PhaseRequest,
  agents: Readonly<Record<string, AgentDefinition>>,
):
  | { readonly kind: 'ok'; readonly definition: AgentDefinition | null }
  | { readonly kind: 'failed'; readonly failure: Failure } {
  const { work } = request.spec;
  if (work.kind === 'shell') return { kind: 'ok', definition: null };
  const definition = agents[work.agent];
  if (definition !== undefined) return { kind: 'ok', definition };
  return {
    kind: 'failed',
    failure: {
      kind: 'bad-configuration',
      message: `tasks.yaml at ${request.spec.configCommit} has no agent ${work.agent}`,
      next: `add it under agents: in tasks.yaml, commit, and submit again; it has ${Object.keys(agents).join(', ')}`,
    },
  };
}

/** Only the reading phases can be: without execute there is no work, and what came back must be revised. */
export function isLeftOut(phase: Phase, definition: AgentDefinition | null): boolean {
  if (phase !== 'understand' && phase !== 'plan') return false;
  return definition?.kind === 'command' && !definition.phases.includes(phase);
}
