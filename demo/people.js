/**
 * One task and the person behind it: a question answered, a plan approved with edits, a patch sent back, another one
 * approved, landed. Throws what is wrong with the outcome.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeRepository, prepareHost } from './sample.js';
import { DemoFailed } from './story.js';
import { environmentOf, tasksCommand } from './tasks-cli.js';

const UP_LIMIT_MS = 15 * 60_000;
/** The agent takes seconds; the person of this story, none. */
const WAIT_LIMIT_MS = 60_000;
const POLL_MS = 200;

export const TITLE = 'Write titles in capitals';
const ANSWER = 'No: "of", "the" and "and" stay small.';
const WANTED = 'Take the small words from data/stopwords.txt instead of a list of your own.';

/**
 * @param {{ home: string, repository: string, signal: AbortSignal, say: (line: string) => void }} demo
 * @returns {Promise<{ uiUrl: string | null, ids: string[] }>}
 */
export async function tellPeopleStory({ home, repository, signal, say }) {
  const env = environmentOf(home, { TASKS_ACTOR: 'Grace' });
  const command = tasksCommand({ home, cwd: repository, signal, env: { TASKS_ACTOR: 'Grace' } });
  const git = await makeRepository(repository, env, signal);
  await prepareHost(home);
  const show = async (args, note = '') => {
    say(`\n$ tasks ${args.map(quoted).join(' ')}${note}`);
    say(indent(await command.tasks(args)));
  };

  await command.tasks(['up', '--detach'], { show: true, timeoutMs: UP_LIMIT_MS });
  const submit = ['submit', TITLE, '--body', 'See src/words.js.', '--approve', 'plan,patch'];
  say(`\n$ tasks ${submit.map(quoted).join(' ')}        # the plan and the patch wait for a decision`);
  const { id } = await command.json(submit);
  say(`  ${id}`);
  const ask = async (kind, version) => {
    const view = await awaitAsk(command, id, version, signal);
    const found = view.waitingFor.proposal ?? view.waitingFor.kind;
    if (found !== kind) throw new DemoFailed(`the task waits for a ${found}, not for a ${kind}`);
    return `${id}@${version}`;
  };

  const question = await ask('question', 1);
  await show(['inbox'], '        # it asks before it plans; no process runs while it waits');
  await show(['answer', question, ANSWER]);

  const plan = await ask('plan', 2);
  await show(['show', id]);
  const edited = join(home, '..', 'plan.md');
  await writeFile(edited, '- write src/title-case.js, with a test\n- say in the README how to use it\n');
  say(`\n$ cat plan.md\n${indent(await readFile(edited, 'utf8'))}`);
  await show(['approve', plan, '--with', edited], '        # approved with edits: this is the plan that runs');

  const patch = await ask('patch', 3);
  await show(['show', id], '        # the diff is what is decided about');
  const { asks } = await command.json(['show', id]);
  if (asks[0].body.includes('stopwords.txt')) throw new DemoFailed('the first patch has what nobody asked for yet');
  await show(['revise', patch, WANTED]);

  const second = await ask('patch', 4);
  // Two people, one decision: the first patch is not open any more.
  const late = await command.tasks(['approve', patch], { codes: [1] }).catch((error) => error);
  if (late instanceof Error) throw new DemoFailed(`a late decision was not refused: ${late.message}`);
  await show(['approve', second]);
  await show(['wait', id]);

  await check(command, git, id);
  await show(['show', id]);
  const status = await command.json(['status']);
  return { uiUrl: status.temporal?.uiUrl ?? null, ids: [id] };
}

async function awaitAsk(command, id, version, signal) {
  const untilMs = Date.now() + WAIT_LIMIT_MS;
  let view = null;
  while (Date.now() < untilMs) {
    view = await command.json(['show', id]);
    if (view.waitingFor?.version === version) return view;
    if (view.endedAt !== null) break;
    await pause(POLL_MS, undefined, { signal });
  }
  throw new DemoFailed(
    `the task did not ask for the ${version}. time: ${view?.state} ${JSON.stringify(view?.failure)}`,
  );
}

/** What landed is what was wanted, and everything is on record with its actor. */
async function check(command, git, id) {
  const view = await command.json(['show', id]);
  if (view.state !== 'landed') throw new DemoFailed(`the task ended as ${view.state}`);
  const code = await git('show', 'main:src/title-case.js');
  if (!code.includes('stopwords.txt')) throw new DemoFailed('what was wanted of the patch is not on main');
  if (!(await git('show', 'main:README.md')).includes('titleCase'))
    throw new DemoFailed('the edited plan is not what was done');
  const decisions = view.events.flatMap(({ happened }) => (happened.kind === 'decided' ? [happened] : []));
  const said = decisions.map(({ decision, actor }) => `${decision} by ${actor}`).join(', ');
  if (said !== 'edited by Grace, changes-requested by Grace, approved by Grace')
    throw new DemoFailed(`the record of the decisions is: ${said}`);
}

function quoted(arg) {
  if (/^[\w@./,-]+$/.test(arg)) return arg;
  return arg.includes('"') ? `'${arg}'` : `"${arg}"`;
}

function indent(text) {
  return text.trimEnd().replaceAll(/^(?=.)/gm, '  ');
}
