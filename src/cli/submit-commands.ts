/** The commands by which tasks are made and waited for. */

import { STAGE_GATES } from '../core/ask-types.ts';
import { PRIORITIES } from '../core/task-types.ts';
import type { Table } from './command-table.ts';
import { milliseconds } from './option-values.ts';

const AT_THE_LONGEST = 'at the longest, such as 90s, 10m or 2h; then exit 124, and all goes on';

export function addSubmitting(table: Table): void {
  addSubmit(table);
  addWait(table);
}

function addSubmit(table: Table): void {
  table.action(
    table.program
      .command('submit')
      .description('submit a task, or many')
      .argument('[title]', 'one line that says what to do')
      .option('--body <text>', 'more about it')
      .option('--file <path>', 'read the body from a file; - reads standard input')
      .option('--run <command>', 'a shell task: the command does the work')
      .option('--agent <name>', 'an agent of tasks.yaml')
      .option('--priority <class>', `one of ${PRIORITIES.join(', ')}: how it waits for landing`)
      .option('--requires <labels>', 'only on hosts with all of these labels, such as gpu,linux')
      .option('--request-id <key>', 'submitting again with the same key is the same task')
      .option(
        '--from <path>',
        'many: one JSON object a line, {title, body?, run?, agent?, priority?, requires?, requestId?, type?, …}; - reads standard input',
      )
      .option('--approve <stages>', `wait for a decision after: ${STAGE_GATES.join(',')}, or none`, several)
      .option('--type <type>', 'task, proposal (a task once it is approved) or question')
      .option('--for <who>', 'who decides or answers; of itself it makes a proposal, with --blocks a question')
      .option('--blocks <id>', 'a question: this task waits for its answer')
      .option('--choices <list>', 'of a question: with commas between them, or once for each', several)
      .option('--default <answer>', 'of a question: the answer when nobody gives one in time')
      .option('--wait', 'wait until it has ended')
      .option('--no-wait-for-people', 'with --wait: end when only people are waited for')
      .option('--timeout <duration>', `with --wait: ${AT_THE_LONGEST}`, milliseconds('--timeout')),
    async () => (await import('./commands/submit.ts')).submit,
  );
}

function addWait(table: Table): void {
  table.action(
    table.program
      .command('wait')
      .description('wait until tasks have ended; exit 1 if any did not land or stay unchanged')
      .argument('[id...]')
      .option('--all', 'every task that has not ended')
      .option('--project <name>', 'with --all: those of one project')
      .option('--no-wait-for-people', 'end with exit 1 when only people are waited for')
      .option('--timeout <duration>', AT_THE_LONGEST, milliseconds('--timeout')),
    async () => (await import('./commands/wait.ts')).wait,
  );
}

function several(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
