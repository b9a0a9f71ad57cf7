/** Writes a new tasks.yaml: what was found or asked, and the rest as comments. Pure. */

import type { BranchName } from '../core/ids.ts';
import { stringify } from 'yaml';
import { DEFAULT_GATE_TIMEOUT } from './gate-schema.ts';
import { DEFAULT_ATTEMPTS, DEFAULT_IDLE, DEFAULT_TIMEOUT } from './policy-schema.ts';
import { DEFAULT_REVISIONS } from './project-schema.ts';

export interface NewProject {
  readonly project: string;
  readonly branch: BranchName;
  readonly setup: string | null;
  /** Null when nobody knows it: the file says then that it is to be filled in. */
  readonly gate: string | null;
  /** Whether the gate has the network. */
  readonly hasNetwork: boolean;
  readonly agent: string | readonly string[];
  /** Files and folders whose change waits for a person. */
  readonly protected: readonly string[];
  /** Where this machine has the schema, for editors: a path or URL; null leaves the line out. */
  readonly schema: string | null;
}

/** The text of a tasks.yaml. Without a gate it is not valid until one is filled in. */
export function renderProjectFile(wanted: NewProject): string {
  const { project, branch, setup, gate, hasNetwork, agent, schema } = wanted;
  const lines = [
    schema === null ? '' : `# yaml-language-server: $schema=${schema}\n`,
    '# How Tributary works on this repository. It counts as it stands on the branch: commit it.\n\n',
    given('project', project),
    given('branch', branch),
    '\n# Fills the ignored folders of a fresh worktree, and caches in HOME. It has the network.\n',
    setup === null ? '# setup: npm ci\n' : given('setup', setup),
    "\n# The project's own checks; only what passes them lands. Also a list of commands or {name, run, timeout}.\n",
    gate === null ? '# gate: npm test\n' : given('gate', gate),
    '\n# The gate has no network unless it says so here, and no run finds in HOME what another run has left there.\n',
    hasNetwork ? 'network: {gate: full}\n' : '# network: {gate: full}\n',
    '\n# claude, a name in agents, or {command: [my-agent, --prompt-file, "{prompt_file}"]}.\n',
    typeof agent === 'string' ? given('agent', agent) : `agent: {command: ${JSON.stringify(agent)}}\n`,
    '\n# agents:\n#   fast: {model: haiku}\n#   mine: {command: [my-agent, "{prompt_file}"]}\n',
    "\n# A change to these waits for a person, as does one to this file, to what the gate's commands name, and to the configuration of test runners.\n",
    wanted.protected.length === 0
      ? '# protected: [.github/, scripts/check.sh]\n'
      : stringify({ protected: wanted.protected }, { lineWidth: 0 }),
    `\n# Tries of a phase, and returns from landing, before a person is asked.\n# attempts: ${DEFAULT_ATTEMPTS}\n# revisions: ${DEFAULT_REVISIONS}\n`,
    `\n# An attempt ends after this long without output, and after this long in all. A gate's command has ${DEFAULT_GATE_TIMEOUT}.\n# idle: ${DEFAULT_IDLE}\n# timeout: ${DEFAULT_TIMEOUT}\n`,
  ];
  return lines.join('');
}

function given(key: string, value: string): string {
  return stringify({ [key]: value }, { lineWidth: 0 });
}
