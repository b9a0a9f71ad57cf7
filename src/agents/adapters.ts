/** The adapters by kind: how each agent is started, and how its output is read. */

import type { AgentDefinition } from '../core/project.ts';
import { claudeCommand, claudeTranscript, createClaudeReader } from './claude.ts';
import { fillPlaceholders, phaseEnvironment } from './placeholders.ts';
import type { AgentAdapter, AgentCommand, LineReader, PhaseFiles } from './types.ts';

export { checkPlaceholders } from './placeholders.ts';

const ADAPTERS: { readonly [Kind in AgentDefinition['kind']]: AgentAdapter<Kind> } = {
  claude: {
    kind: 'claude',
    hasTerminalEvent: true,
    command: claudeCommand,
    reader: createClaudeReader,
    transcript: claudeTranscript,
  },
  command: {
    kind: 'command',
    hasTerminalEvent: false,
    command: (definition, files) => {
      const [program = '', ...args] = definition.command.map((part) => fillPlaceholders(part, files));
      return { argv: [program, ...args], env: phaseEnvironment(files) };
    },
    reader: createSilentReader,
  },
};

/** The adapter of a configured agent; its `command` takes that agent's definition. */
export function adapterFor(definition: AgentDefinition): AgentAdapter {
  const adapter = ADAPTERS[definition.kind];
  return {
    kind: adapter.kind,
    hasTerminalEvent: adapter.hasTerminalEvent,
    command: commandOf,
    reader: (resumed) => adapter.reader(resumed),
    ...(adapter.transcript === undefined ? {} : { transcript: adapter.transcript }),
  };
}

/** The command of a shell task. */
export function shellCommand(run: string, files: PhaseFiles): AgentCommand {
  return { argv: ['/bin/sh', '-c', run], env: phaseEnvironment(files) };
}

function commandOf(
  definition: AgentDefinition,
  files: PhaseFiles,
  session: string | null,
  confined: boolean,
): AgentCommand {
  return definition.kind === 'claude'
    ? ADAPTERS.claude.command(definition, files, session, confined)
    : ADAPTERS.command.command(definition, files, session, confined);
}

/** Of an agent whose output means nothing to the engine. */
function createSilentReader(): LineReader {
  return { read: () => undefined, reading: { session: null, usage: null, end: null } };
}
