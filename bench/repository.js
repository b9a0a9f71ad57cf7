/** The repositories of the benchmark: bare origins of so many files, on which every task adds one. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const AGENT = fileURLToPath(new URL('agent.sh', import.meta.url));
const FILES_A_FOLDER = 100;
const FIRST_S = 1_700_000_000;
const person = (minutes = 0) => `Bench <bench@example.invalid> ${FIRST_S + 60 * minutes} +0000`;

/** Git with nobody's configuration and no automatic repacking. */
export const GIT_ENV = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Bench',
  GIT_AUTHOR_EMAIL: 'bench@example.invalid',
  GIT_COMMITTER_NAME: 'Bench',
  GIT_COMMITTER_EMAIL: 'bench@example.invalid',
};

export function git(folder, args, input) {
  return execFileSync('git', ['-C', folder, ...args], {
    env: GIT_ENV,
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
  }).trim();
}

const BENCH_AGENT = `  command: [/bin/sh, ${JSON.stringify(AGENT)}]\n`;

const configuration = (project, agent, gate, more) => `project: ${project}
branch: main
gate: ${JSON.stringify(gate)}
agent:
${agent}${more}`;

/**
 * Makes a bare origin.
 *
 * @param {{ path: string, project: string, files: number, branches?: string[], agent?: string,
 *   gate?: string, more?: string, history?: number }} options `branches`: task ids, each of which gets
 *   `refs/tasks/<id>/1/head`, a commit on main that adds one file; `more`: further lines of tasks.yaml; `history`: so many
 *   have landed before, each of which changed one of ten files
 */
export function makeOrigin({
  path,
  project,
  files,
  branches = [],
  agent = BENCH_AGENT,
  gate = 'true',
  more = '',
  history = 0,
}) {
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', path], { env: GIT_ENV });
  for (const setting of ['gc.auto=0', 'receive.autogc=false', 'maintenance.auto=false']) {
    git(path, ['config', ...setting.split('=')]);
  }
  const stream = [`commit refs/heads/main\nmark :1\ncommitter ${person()}\n${data('the first commit')}`];
  stream.push(`M 644 inline tasks.yaml\n${data(configuration(project, agent, gate, more))}`);
  for (let file = 0; file < files; file += 1) {
    const folder = `folder-${Math.floor(file / FILES_A_FOLDER)}`;
    stream.push(`M 644 inline ${folder}/file-${file}.txt\n${data(`file ${file} of ${files}\n`.repeat(20))}`);
  }
  for (let landed = 1; landed <= history; landed += 1) {
    const [main, task, merge] = [2 * landed - 1, 2 * landed, 2 * landed + 1];
    const change = `M 644 inline folder-0/file-${landed % 10}.txt\n${data(`landing ${landed}\n`)}`;
    const by = `committer ${person(landed)}`;
    stream.push(`commit refs/bench/task\nmark :${task}\n${by}\n${data(`task ${landed}`)}\nfrom :${main}`);
    stream.push(change, `commit refs/heads/main\nmark :${merge}\n${by}\n${data(`landing ${landed}`)}`);
    stream.push(`from :${main}\nmerge :${task}\n${change}`);
  }
  for (const id of branches) {
    stream.push(
      `commit refs/tasks/${id}/1/head\ncommitter ${person(history)}\n${data(`task ${id}`)}\nfrom :${2 * history + 1}`,
    );
    stream.push(`M 644 inline work-${id}.txt\n${data(`done by ${id}\n`)}`);
  }
  git(path, ['fast-import', '--quiet'], `${stream.join('\n')}\n`);
  if (history > 0) git(path, ['update-ref', '-d', 'refs/bench/task']);
  return path;
}

function data(text) {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

/** How many commits main has on its first-parent line. */
export function countLandings(origin) {
  return Number(git(origin, ['rev-list', '--first-parent', '--count', 'main'])) - 1;
}
