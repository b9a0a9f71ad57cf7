#!/usr/bin/env node
/**
 * A coding agent without a model: the least that any program must do to work for Tributary. Copy it, and put your own
 * thinking where this one looks into its script (script.mjs).
 *
 * Tributary starts it once for each phase of a task (understand, plan, execute, and revise when landing sent the work
 * back), in a git worktree of the task's own, with standard input closed. It is told by environment variables:
 *
 *   TASKS_PROMPT_FILE  what to do: the task, the job of this phase, answers to earlier questions, why it came back
 *   TASKS_PHASE        understand | plan | execute | revise
 *   TASKS_WORKTREE     the files to work on; also the working directory
 *   TASKS_TASK_DIR     a folder outside the worktree that all phases of the task share: understanding.md, plan.md, result.md
 *   TASKS_REPORT_FILE  where to say how the phase ended: done, question, proposal or failed
 *
 * The same can be put into its command line: `command: [node, agent.mjs, --prompt-file, "{prompt_file}"]`.
 * What it prints goes to `tasks logs`. It need not commit: what it leaves in the worktree is committed for it.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { SCRIPT } from './script.mjs';

/** So that one can watch it. */
const THINKING_MS = 250;

const { values } = parseArgs({ options: { 'prompt-file': { type: 'string' } } });
const phase = process.env.TASKS_PHASE ?? 'execute';
const worktree = process.env.TASKS_WORKTREE ?? process.cwd();
const taskDir = process.env.TASKS_TASK_DIR ?? worktree;
const prompt = await readFile(values['prompt-file'] ?? process.env.TASKS_PROMPT_FILE, 'utf8');
const title = prompt.split('\n', 1)[0].replace(/^# /, '');

await report(await work());

/** Does the phase's job; the report it ends with. */
async function work() {
  say(`${phase}: ${title}`);
  await pause(THINKING_MS);
  const job = SCRIPT[title];
  if (job === undefined) return { status: 'failed', reason: `I have no script for ${JSON.stringify(title)}` };
  switch (phase) {
    case 'understand':
      return understand(job);
    case 'plan':
      return plan(job);
    case 'execute':
      return change(workOf(job), job.summary);
    case 'revise':
      return revise(job);
    default:
      return { status: 'failed', reason: `I know no phase ${phase}` };
  }
}

/** The work; another one when somebody saw it and asked for changes, and more of it when the approved plan says so. */
function workOf(job) {
  const changed = /^\*\*.* decided at .*:\*\* changes are wanted: /m.test(prompt) ? (job.changed ?? {}) : {};
  return { ...job.work, ...changed };
}

/** Reads; changes nothing. */
async function understand(job) {
  for (const path of job.reads)
    say(`read ${path}: ${(await readFile(join(worktree, path), 'utf8')).length} characters`);
  await note('understanding.md', `It touches ${job.reads.join(', ')}.`);
  return { status: 'done', summary: `read ${job.reads.join(', ')}` };
}

/**
 * Plans; changes nothing. Nobody can reply while an agent runs: one that needs to know something leaves the question and
 * ends. It is started again for the same phase when there is an answer, which is then in its prompt.
 */
async function plan(job) {
  const answer = /^\*\*.* answered:\*\* (.*)$/m.exec(prompt)?.[1];
  if (job.question !== undefined && answer === undefined) return { status: 'question', question: job.question };
  const decided = answer === undefined ? [] : [`${job.question} ${answer}`];
  const steps = Object.keys(job.work).map((path) => `- change ${path}`);
  await note('plan.md', [...decided, ...steps].join('\n'));
  return { status: 'done', summary: `planned ${steps.length} changes` };
}

/** Its work met what landed meanwhile, or the gate: the prompt says which, with the evidence. */
async function revise(job) {
  const why = /## Why it came back\s+(.*)/.exec(prompt)?.[1] ?? 'it does not say why';
  say(`it came back: ${why}`);
  if (job.revision === undefined) return { status: 'failed', reason: `I do not know how to mend this: ${why}` };
  return change(job.revision, `${job.summary}, mended: ${why}`);
}

/** Writes files of the worktree, and tells people about it. */
async function change(files, summary) {
  for (const [path, text] of Object.entries(files)) {
    const file = join(worktree, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    say(`wrote ${path}`);
  }
  await note('result.md', summary);
  return { status: 'done', summary };
}

function note(name, text) {
  return writeFile(join(taskDir, name), `${text}\n`);
}

function report(result) {
  return writeFile(process.env.TASKS_REPORT_FILE ?? join(taskDir, 'report.json'), JSON.stringify(result));
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
