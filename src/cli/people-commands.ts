/** The commands by which people hear of what waits for them, and reply. */

import type { Table } from './command-table.ts';

export function addPeopleCommands(table: Table): void {
  addInbox(table);
  addReplies(table);
  addNotes(table);
}

function addInbox(table: Table): void {
  table.action(
    table.program
      .command('inbox')
      .description('what waits for a person, oldest first, each with the command to reply')
      .option('--project <name>', 'of one project')
      .option('--mine', 'asked of me, or of nobody about a task of mine')
      .option('-w, --watch', 'go on: redrawn on a terminal, new lines elsewhere'),
    async () => (await import('./commands/inbox.ts')).inbox,
  );
}

function addReplies(table: Table): void {
  table.action(
    table.program
      .command('answer')
      .description("reply to a task's question; without a text, to all that are open, one after another")
      .argument('<id>', 'the task, or the question as the inbox has it: 7fk2@3')
      .argument('[text]', 'the answer, or the number of a choice; - reads standard input')
      .option('--file <path>', 'read the answer from a file; - reads standard input'),
    async () => (await import('./commands/answer.ts')).answer,
  );
  table.action(
    table.program
      .command('approve')
      .description('approve what a task proposes')
      .argument('<id>', 'the task, or the proposal as the inbox has it: 7fk2@3')
      .option('--edit', 'in $EDITOR first: the edited text is what holds')
      .option('--with <path>', 'with the edited text of a file; - reads standard input')
      .option('--accept <numbers>', 'of proposed tasks: these, and no others unless --drop says so')
      .option('--drop <numbers>', 'of proposed tasks: all but these')
      .option('-y, --yes', 'without the number of the proposal, and without asking: what is open now'),
    async () => (await import('./commands/approve.ts')).approve,
  );
  table.action(
    table.program
      .command('revise')
      .description('ask for changes of what a task proposes: the agent tries again')
      .argument('<id>', 'the task, or the proposal as the inbox has it: 7fk2@3')
      .argument('[text]', 'what to change; - reads standard input')
      .option('--file <path>', 'read it from a file; - reads standard input'),
    async () => (await import('./commands/decide.ts')).revise,
  );
  table.action(
    table.program
      .command('reject')
      .description('turn down what a task proposes: the task ends as rejected')
      .argument('<id>', 'the task, or the proposal as the inbox has it: 7fk2@3')
      .option('--reason <text>', 'why')
      .option('--file <path>', 'read the reason from a file; - reads standard input'),
    async () => (await import('./commands/decide.ts')).reject,
  );
}

function addNotes(table: Table): void {
  table.action(
    table.program
      .command('comment')
      .description('say something to a task: its next prompt brings it')
      .argument('<id>')
      .argument('[text]', 'the comment; - reads standard input')
      .option('--file <path>', 'read it from a file; - reads standard input'),
    async () => (await import('./commands/comment.ts')).comment,
  );
  table.action(
    table.program
      .command('edit')
      .description('change the title or the body of a task that has not landed')
      .argument('<id>')
      .option('--title <text>', 'the new title')
      .option('--body <text>', 'the new body')
      .option('--file <path>', 'read the new body from a file; - reads standard input'),
    async () => (await import('./commands/comment.ts')).edit,
  );
}
