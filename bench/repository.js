/** The repositories of the benchmark: bare origins of so many files, on which every task adds one. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const AGENT = fileURLToPath(new URL('agent.sh', import.meta.url));
const FILES_A_FOLDER = 100;
const FIRST_S = 1_700_000_000;
const person = (seconds) => `Bench <bench@example.invalid> ${seconds} +0000`;

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
 *   gate?: string, more?: string, history?: number }} options `branches`: ids of tasks that have been done; `more`: further lines of tasks.yaml; `history`: so many
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
  const stream = [`commit refs/heads/main\nmark :1\ncommitter ${person(FIRST_S)}\n${data('the first commit')}`];
  stream.push(`M 644 inline tasks.yaml\n${data(configuration(project, agent, gate, more))}`);
  for (let file = 0; file < files; file += 1) {
    const folder = `folder-${Math.floor(file / FILES_A_FOLDER)}`;
    stream.push(`M 644 inline ${folder}/file-${file}.txt\n${data(`file ${file} of ${files}\n`.repeat(20))}`);
  }
  for (let landed = 1; landed <= history; landed += 1) {
    const [main, task, merge] = [2 * landed - 1, 2 * landed, 2 * landed + 1];
    const change = `M 644 inline folder-0/file-${landed % 10}.txt\n${data(`landing ${landed}\n`)}`;
    const by = `committer ${person(FIRST_S + 60 * landed)}`;
    stream.push(`commit refs/bench/task\nmark :${task}\n${by}\n${data(`task ${landed}`)}\nfrom :${main}`);
    stream.push(change, `commit refs/heads/main\nmark :${merge}\n${by}\n${data(`landing ${landed}`)}`);
    stream.push(`from :${main}\nmerge :${task}\n${change}`);
  }
  git(path, ['fast-import', '--quiet'], `${stream.join('\n')}\n`);
  if (history > 0) git(path, ['update-ref', '-d', 'refs/bench/task']);
  addBranches(path, branches);
  return path;
}

/**
 * For each id `refs/tasks/<id>/1/head`: a commit on main, as it is now, that adds one file, and takes away the one of the
 * `gone` at its place, so that the tree stays as large as it is.
 */
export function addBranches(path, ids, gone = []) {
  // Older than what they stand on they would be sought through all of it.
  const now = person(Math.ceil(Date.now() / 1_000));
  const stream = ids.flatMap((id, at) => [
    `commit refs/tasks/${id}/1/head\ncommitter ${now}\n${data(`task ${id}`)}\nfrom refs/heads/main^0`,
    `M 644 inline work-${id}.txt\n${data(`done by ${id}\n`)}`,
    ...(gone[at] === undefined ? [] : [`D work-${gone[at]}.txt\n`]),
  ]);
  if (ids.length > 0) git(path, ['fast-import', '--quiet'], `${stream.join('\n')}\n`);
}

function data(text) {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

/** How many commits main has on its first-parent line. */
export function countLandings(origin) {
  return Number(git(origin, ['rev-list', '--first-parent', '--count', 'main'])) - 1;
}
