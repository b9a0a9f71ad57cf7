/** A shell agent of a few lines, for tests of the whole path: what it does in each phase is a line of shell. */

import type { Phase } from '../../src/core/task-types.ts';

const DONE = (summary: string): string =>
  `printf '%s' '{"status":"done","summary":"${summary}"}' > "$TASKS_REPORT_FILE"`;

/** The text of agent.sh; a phase that is not given just reports that it is done. */
export function agentScript(phases: Partial<Readonly<Record<Phase, string>>>, prelude = ''): string {
  const cases = (['understand', 'plan', 'execute', 'revise'] as const).map(
    (phase) => `  ${phase})\n    ${phases[phase] ?? ':'}\n    [ -e "$TASKS_REPORT_FILE" ] || ${DONE(phase)}\n    ;;`,
  );
  return `#!/bin/sh\nset -eu\n${prelude}\ncase "$TASKS_PHASE" in\n${cases.join('\n')}\nesac\n`;
}

export function projectFile(more = ''): string {
  return ['project: sample', 'branch: main', 'gate: sh gate.sh', 'agent:', '  command: [sh, agent.sh]', more, ''].join(
    '\n',
  );
}

/** A gate that is red while a file called broken is there. */
export const GATE = 'test ! -e broken || { echo "broken is there"; exit 1; }\n';
