/** What the demo does, from the sample repository to main's history. Throws what is wrong with the outcome. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Board } from './board.js';
import { BREAKS, GATE, makeRepository, prepareHost, QUESTIONS, TASKS } from './sample.js';
import { environmentOf, run, tasksCommand } from './tasks-cli.js';

/** Everything that is waited for here takes seconds. */
const TASKS_LIMIT_MS = 180_000;
const UP_LIMIT_MS = 15 * 60_000;
const POLL_MS = 250;
const MAX_LOG_LINES = 20;
const ENDS = new Set(['landed', 'unchanged', 'failed', 'rejected', 'canceled']);

/** The outcome is not what it should be. */
export class DemoFailed extends Error {}

/**
 * @param {{ home: string, repository: string, signal: AbortSignal, say: (line: string) => void }} demo
 * @returns {Promise<{ uiUrl: string | null, ids: string[] }>}
 */
export async function tellStory({ home, repository, signal, say }) {
  const env = environmentOf(home);
  const command = tasksCommand({ home, cwd: repository, signal });

  say('\nA small git repository with its own tests, and nothing else:');
  const git = await makeRepository(repository, env, signal);
  await prepareHost(home);
  say(indent(await git('log', '--oneline')));

  say(`\n$ tasks up --detach --agents ${TASKS.length}`);
  await command.tasks(['up', '--detach', '--agents', String(TASKS.length)], { show: true, timeoutMs: UP_LIMIT_MS });

  say(`\n$ tasks submit --from tasks.jsonl        # ${TASKS.length} tasks at once`);
  const list = join(home, '..', 'tasks.jsonl');
  await writeFile(list, TASKS.map((task) => `${JSON.stringify(task)}\n`).join(''));
  const submitted = await command.lines(['submit', '--from', list]);
  const ids = submitted.map(({ id }) => id);
  await watchToTheEnd(command, ids, signal);

  const views = await Promise.all(ids.map((id) => command.json(['show', id])));
  await check(views, git);
  await showMain({ git, repository, env, signal, say });
  const status = await command.json(['status']);
  return { uiUrl: status.temporal?.uiUrl ?? null, ids };
}

/** Shows how the tasks get on, and answers their questions, until all have ended. */
async function watchToTheEnd(command, ids, signal) {
  const board = new Board(process.stdout);
  const answered = new Set();
  const explained = new Map();
  const untilMs = Date.now() + TASKS_LIMIT_MS;
  try {
    while (Date.now() < untilMs) {
      const rows = await command.lines(['list', '--limit', '100']);
      const own = ids.map((id) => rows.find((row) => row.id === id)).filter((row) => row !== undefined);
      board.show(own);
      await explainRevisions(command, own, explained, (line) => board.say(line));
      if (own.length === ids.length && own.every(({ state }) => ENDS.has(state))) return;
      const stuck = own.find(({ waitingFor }) => waitingFor?.kind === 'attempts');
      if (stuck !== undefined)
        throw new DemoFailed(`${stuck.title}: ${stuck.waitingFor.text}\n${await endOfLog(command, stuck)}`);
      await answerQuestions(command, own, answered, (line) => board.say(line));
      await pause(POLL_MS, undefined, { signal });
    }
  } finally {
    board.end();
  }
  throw new DemoFailed(`after ${TASKS_LIMIT_MS / 1_000} s there are tasks that have not ended`);
}

/** The end of what its last attempt printed. */
async function endOfLog(command, { id }) {
  const log = await command.tasks(['logs', id]);
  return indent(log.trimEnd().split('\n').slice(-MAX_LOG_LINES).join('\n'));
}

/** Why the queue sent a task's work back, each time that it did. */
async function explainRevisions(command, rows, explained, say) {
  for (const { id, title, revisions } of rows) {
    if (revisions <= (explained.get(id) ?? 0)) continue;
    const { events = [] } = await command.json(['show', id]);
    const reasons = events.flatMap(({ happened }) => (happened.kind === 'returned' ? [happened.request.text] : []));
    if (reasons.length < revisions) continue;
    explained.set(id, revisions);
    say(`         sent back for a revision: ${title} (${reasons[revisions - 1]})`);
  }
}

/** Once both ask, both have begun on the same main: their work will meet. */
async function answerQuestions(command, rows, answered, say) {
  const asking = QUESTIONS.map(({ title, answer }) => ({ answer, row: rows.find((row) => row.title === title) }));
  if (!asking.every(({ row }) => row?.waitingFor?.kind === 'question' || answered.has(row?.id))) return;
  for (const { row, answer } of asking) {
    if (row === undefined || answered.has(row.id)) continue;
    say(`$ tasks answer ${row.id.slice(0, 6)} "${answer}"        # it asked: ${row.waitingFor.text.split('\n', 1)[0]}`);
    await command.tasks(['answer', row.id, answer]);
    answered.add(row.id);
  }
}

/** Everything landed, once, and what was to be revised was. */
async function check(views, git) {
  const wrong = views.filter(({ state }) => state !== 'landed');
  if (wrong.length > 0) {
    const lines = wrong.map(
      ({ id, title, state, failure }) => `${id} ${title}: ${state}${failure === null ? '' : `, ${failure.message}`}`,
    );
    throw new DemoFailed(`not every task landed:\n${lines.join('\n')}`);
  }
  const revisions = (titles) => views.filter(({ title }) => titles.includes(title)).map((view) => view.revisions);
  if (!revisions(QUESTIONS.map(({ title }) => title)).some((count) => count > 0)) {
    throw new DemoFailed('two tasks changed the same line, and neither was revised');
  }
  if (!revisions([BREAKS]).every((count) => count > 0))
    throw new DemoFailed('a task that broke the tests was not revised');
  const landed = (await git('log', '--first-parent', '--format=%H', 'main')).trim().split('\n').slice(0, -1);
  const commits = views.map(({ commit }) => commit);
  if (landed.length !== commits.length || !commits.every((commit) => landed.includes(commit))) {
    throw new DemoFailed(`main has ${landed.length} commits on top of the first one; ${commits.length} tasks landed`);
  }
}

async function showMain({ git, repository, env, signal, say }) {
  say('\n$ git log --first-parent main');
  const format = '%C(auto)%h  %s%n%(trailers:only,unfold,separator=%n)%n';
  const log = await git(
    'log',
    '--first-parent',
    `--color=${process.stdout.isTTY ? 'always' : 'never'}`,
    `--format=${format}`,
    'main',
  );
  say(
    indent(
      log
        .replaceAll(/\n{2,}/g, '\n\n')
        .replaceAll(/^(?=[A-Z][\w-]+: )/gm, '         ')
        .trimEnd(),
    ),
  );

  const left = await git('status', '--porcelain');
  if (left !== '') throw new DemoFailed(`the checkout of main did not move with it:\n${left}`);
  say(`\n$ ${GATE}        # the gate once more, on main as it now is`);
  const out = await run(['/bin/sh', '-c', GATE], { cwd: repository, env, signal }).catch((error) => {
    throw new DemoFailed(`main is red: ${error.message}`);
  });
  say(
    indent(
      out
        .split('\n')
        .filter((line) => /^. (tests|pass|fail) /.test(line))
        .join('\n'),
    ),
  );
}

function indent(text) {
  return text.trimEnd().replaceAll(/^(?=.)/gm, '  ');
}
