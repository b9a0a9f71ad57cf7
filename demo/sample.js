/** The sample repository, and the tasks that are submitted to it. */

import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './tasks-cli.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The project's own checks. */
export const GATE = 'node --test';

/** Two agents change the same line: both ask before they plan it, so that both have begun before either lands. */
export const QUESTIONS = [
  { title: 'Shorten at the end of a word', answer: 'Yes, when it is the only one.' },
  { title: 'End shortened texts with an ellipsis', answer: 'One character.' },
];
/** Forgets something that its test finds. */
export const BREAKS = 'Count how often each word occurs';

/** As `tasks submit --from` takes them: one JSON object a line. */
export const TASKS = [
  ...QUESTIONS.map(({ title }) => ({ title, body: 'See src/shorten.js.' })),
  { title: BREAKS, body: 'Upper and lower case are the same word. With a test.' },
  { title: 'Make web addresses of titles', body: '"Hello, big World!" becomes hello-big-world.' },
  { title: 'Estimate the reading time', body: 'People read some 220 words a minute.' },
  { title: 'Say in the README how to use it' },
  { title: 'Sort the stop words', run: 'sort -u -o data/stopwords.txt data/stopwords.txt' },
  {
    title: 'Ask for a new line at the end of files',
    run: "printf '[*]\\ninsert_final_newline = true\\n' > .editorconfig",
  },
];

/** tasks.yaml: JSON strings are YAML strings. */
const CONFIGURATION = `project: textkit
branch: main
gate: ${GATE}
agent:
  command: [node, ${JSON.stringify(here('agent.mjs'))}, --prompt-file, "{prompt_file}"]
`;

/** The demo's agent is a script with another one beside it: agents see the program that they are, and what host.yaml names. */
export async function prepareHost(home) {
  await mkdir(home, { mode: 0o711 });
  await writeFile(join(home, 'host.yaml'), `read: [${JSON.stringify(here('.'))}]\n`);
}

/**
 * Makes the repository with its first commit.
 *
 * @returns its `git` command
 */
export async function makeRepository(folder, env, signal) {
  const git = (...args) => run(['git', ...args], { cwd: folder, env, signal });
  await cp(here('repository'), folder, { recursive: true });
  await writeFile(join(folder, 'tasks.yaml'), CONFIGURATION);
  await git('init', '--quiet', '--initial-branch=main');
  await git('config', 'user.name', 'Demo');
  await git('config', 'user.email', 'demo@example.invalid');
  await git('add', '--all');
  await git('commit', '--quiet', '--no-gpg-sign', '--message=A library of texts, with its tests');
  return git;
}
