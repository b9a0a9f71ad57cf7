/** Writes tasks.yaml: what was found in the repository or given, and the rest as comments; commits it when asked to. */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Detected } from '../../config/detect-parts.ts';
import { detectProject, detectProtected } from '../../config/detect.ts';
import { filledFolder } from '../../config/filled-folder.ts';
import { addProjectFile, readProjectContext } from '../../config/project-context.ts';
import { parseProjectFile, PROJECT_FILE } from '../../config/project-file.ts';
import { renderProjectFile, type NewProject } from '../../config/render-project-file.ts';
import { schemaReference } from '../../config/schema-path.ts';
import { parseBranchName, parseProjectName } from '../../core/ids.ts';
import { branchTip, readCheckout, type Checkout } from '../../git/checkout.ts';
import { oneLine } from '../../core/text.ts';
import { codeOf, messageOf } from '../../core/thrown.ts';
import { findProgram, missingCommands, missingProgram } from '../agent-program.ts';
import { canAsk, openDialog } from '../dialog.ts';
import { EXIT, Failed, UsageError } from '../errors.ts';
import type { Session } from '../session.ts';

export interface InitOptions {
  readonly json?: true;
  readonly project?: string;
  readonly branch?: string;
  readonly gate?: string;
  readonly setup?: string;
  readonly agent?: string;
  readonly yes?: true;
  readonly commit?: true;
  readonly force?: true;
}

/** `tasks init`. */
export async function init(session: Session, options: InitOptions): Promise<number> {
  const look = { env: session.environment.all };
  const checkout = await readCheckout(session.io.cwd, look);
  if (checkout.kind === 'none') throw new UsageError(checkout.message);
  const path = join(checkout.root, PROJECT_FILE);
  if (options.force !== true) await refuseToOverwrite(path, session);
  const { path: programs } = session.environment;
  const found = await detect(checkout.root, programs);
  const wanted = choose(options, checkout, found);
  const isElsewhere = wanted.branch !== checkout.branch;
  if (isElsewhere && (await branchTip(checkout, wanted.branch, look)) === null) {
    throw new UsageError(`--branch: there is no branch ${wanted.branch} here; make and push it first, or name another`);
  }
  if (isElsewhere && options.commit === true) {
    const here = checkout.branch === null ? 'HEAD is detached' : `${checkout.branch} is checked out`;
    throw new UsageError(`--commit: it counts on ${wanted.branch}, and ${here}; go there: git switch ${wanted.branch}`);
  }
  const text = renderProjectFile(wanted);
  const checked = parseProjectFile(text);
  if (wanted.gate !== null && checked.kind === 'invalid') throw new UsageError(checked.message);
  await writeFile(path, text);
  const missing = await missingProgram(wanted.agent, session.environment);
  const reasons = explain(options, wanted, found);
  if (!session.json) session.print(`wrote ${path}`, ...reasons.map((line) => `  ${line}`));
  const gateMissing = missingCommands([wanted.gate, wanted.setup], programs);
  const notIgnored = await folderNotIgnored(checkout, wanted.setup);
  const submodules = found.hasSubmodules ? SUBMODULES : null;
  const largeFiles = found.hasLargeFiles ? LARGE_FILES : null;
  for (const line of [missing, gateMissing, submodules, largeFiles, notIgnored])
    if (line !== null) session.note(`tasks: ${line}`);
  const mayBe = wanted.gate !== null && !isElsewhere && (await mayCommit(session, options));
  const isCommitted = mayBe && (await commit(checkout, session));
  if (session.json) {
    const { project, branch, setup, gate, agent } = wanted;
    session.printJson({
      path,
      project,
      branch,
      setup,
      gate,
      agent,
      agentMissing: missing,
      gateMissing,
      notIgnored,
      found,
      committed: isCommitted,
    });
  } else session.print(...(await next(wanted, checkout, isCommitted)));
  if (options.commit !== true || wanted.gate !== null) return EXIT.ok;
  session.note(`tasks: ${PROJECT_FILE} is written, and not committed: it has no gate`);
  return EXIT.failed;
}

async function refuseToOverwrite(path: string, { io, environment }: Session): Promise<void> {
  const there = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw new UsageError(`${PROJECT_FILE}: ${messageOf(error)}; mend its permissions`);
  });
  if (there === null) return;
  const parsed = parseProjectFile(there);
  const context = parsed.kind === 'invalid' ? parsed : await readProjectContext(io.cwd, environment.all);
  const lacks = context.kind === 'invalid' ? [context.message] : context.kind === 'ok' ? context.warnings : [];
  const now = lacks.slice(0, 1).map((line) => `; as it is now: ${line}`);
  throw new UsageError(`${PROJECT_FILE} is there already; edit it, or overwrite it with --force${now.join('')}`);
}

interface Found extends Detected {
  readonly protected: readonly string[];
  readonly hasSubmodules: boolean;
  /** Whether Git LFS keeps some of its files. */
  readonly hasLargeFiles: boolean;
}

const SUBMODULES =
  'the repository has submodules, which agents and gates find empty; see Submodules in docs/operating.md for how to fill them';

const LARGE_FILES =
  'the repository has files under Git LFS, which agents and gates find as pointers; see Large files in docs/operating.md for a gate that lets only pointers land';

/** What set-up fills has to be ignored by the repository itself: the engine knows nothing of a person's own excludes. */
async function folderNotIgnored({ root }: Checkout, setup: string | null): Promise<string | null> {
  const folder = filledFolder(setup ?? '');
  if (folder === null) return null;
  const { simpleGit } = await import('simple-git');
  // Ends with 1 and says nothing where no rule fits, which the library takes for an empty answer.
  const rule = await simpleGit({ baseDir: root }).raw('check-ignore', '--verbose', '--no-index', `${folder}/`);
  // A rule that begins with ! is told like any other, and takes the folder out again.
  if (/^(?:[^:]*\/)?\.gitignore:\d+:(?!!)/.test(rule)) return null;
  return `set-up fills ${folder}, and no .gitignore names it: tasks fail until one does; echo ${folder}/ >> .gitignore, and commit it`;
}

async function detect(root: string, programs: string): Promise<Found> {
  const entries = await readdir(root, { withFileTypes: true });
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  const read = (name: string) => {
    try {
      return readFileSync(join(root, name), 'utf8');
    } catch {
      // Unreadable: then nothing is told of it, as the type says.
      return null;
    }
  };
  const found = detectProject({ names, hasProgram: (name) => findProgram(name, programs) !== null, read });
  return {
    ...found,
    protected: detectProtected({ names }),
    hasSubmodules: names.includes('.gitmodules'),
    // Where git lfs track writes it.
    hasLargeFiles: /^[^#\n]*\sfilter=lfs\b/m.test(read('.gitattributes') ?? ''),
  };
}

function choose(options: InitOptions, checkout: Checkout, found: Found): NewProject {
  const project = parseProjectName(options.project ?? nameFrom(checkout));
  if (project.kind === 'invalid') throw new UsageError(`--${project.message}`);
  const branchText = options.branch ?? checkout.branch;
  if (branchText === null) throw new UsageError('HEAD is detached; name the branch that work lands on: --branch main');
  const branch = parseBranchName(branchText);
  if (branch.kind === 'invalid') throw new UsageError(`--${branch.message}`);
  for (const option of ['gate', 'agent'] as const) {
    if (options[option]?.trim() === '') throw new UsageError(`--${option}: is empty; leave it out, or give a command`);
  }
  return {
    project: project.value,
    branch: branch.value,
    setup: setupFrom(options.setup, found),
    gate: options.gate ?? found.gate?.command ?? null,
    hasNetwork: options.gate === undefined && found.network !== undefined,
    agent: agentFrom(options.agent ?? 'claude'),
    protected: found.protected,
    schema: schemaReference(checkout.root),
  };
}

/** Nothing, given as such, is no set-up at all, whatever was found. */
function setupFrom(given: string | undefined, found: Found): string | null {
  if (given === undefined) return found.setup?.command ?? null;
  return given.trim() === '' ? null : given;
}

/** One word is a name; more are a command with its arguments. */
function agentFrom(text: string): string | readonly string[] {
  const words = text.trim().split(/\s+/);
  return words.length === 1 && words[0] === 'claude' ? 'claude' : words;
}

function nameFrom(checkout: Checkout): string {
  const last = basename(
    checkout.origin
      .replace(/\/+$/, '')
      .replace(/\/\.git$/, '')
      .replace(/\.git$/, ''),
  );
  const name = last
    .split(':')
    .at(-1)
    ?.normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
  return name === undefined || name === '' ? 'project' : name;
}

function explain(options: InitOptions, wanted: NewProject, found: Detected): string[] {
  const lines = [`project ${wanted.project}, branch ${wanted.branch}`];
  if (wanted.gate === null) lines.push('gate: no test command was recognised');
  else lines.push(`gate: ${wanted.gate}${why(options.gate, found.gate?.reason)}`);
  if (wanted.setup !== null) lines.push(`setup: ${wanted.setup}${why(options.setup, found.setup?.reason)}`);
  if (wanted.hasNetwork) lines.push(`network: the gate has it, since ${found.network ?? ''}`);
  if (wanted.protected.length > 0) lines.push(`protected: ${wanted.protected.join(', ')}: a change waits for a person`);
  return lines;
}

function why(given: string | undefined, reason: string | undefined): string {
  return given === undefined && reason !== undefined ? `, since ${reason}` : '';
}

async function mayCommit(session: Session, options: InitOptions): Promise<boolean> {
  if (options.commit === true) return true;
  if (!canAsk(session) || options.yes === true) return false;
  const dialog = openDialog(session);
  try {
    const reply = await dialog.ask('Commit it? It counts as it stands on the branch. [Y/n] ');
    // Who has gone has not agreed.
    return reply !== null && !/^n/i.test(reply.trim());
  } finally {
    dialog.close();
  }
}

/** Commits the file alone, whatever else is staged. */
async function commit(checkout: Checkout, session: Session): Promise<boolean> {
  const { simpleGit } = await import('simple-git');
  try {
    // The person's own git, with the person's own settings and hooks.
    const git = simpleGit({ baseDir: checkout.root, errors: failedBy });
    // By force: it counts only when it is tracked, whatever a .gitignore says that names what it does not ignore.
    await git.raw('add', '--force', PROJECT_FILE);
    await git.raw('commit', '--quiet', '-m', 'Configure tasks', '--', PROJECT_FILE);
    return true;
  } catch (error) {
    session.note(`tasks: ${PROJECT_FILE} is written, and not committed: ${oneLine(messageOf(error), 300)}`);
    throw new Failed(`commit it yourself: ${await addProjectFile(checkout)} && git commit -m "Configure tasks"`);
  }
}

interface GitEnd {
  readonly exitCode: number;
  readonly stdOut: readonly Buffer[];
  readonly stdErr: readonly Buffer[];
}

/** The library takes what ends without a word on standard error for a success, as where a hook says nothing. */
function failedBy(error: Buffer | Error | undefined, end: GitEnd): Buffer | Error | undefined {
  if (end.exitCode === 0) return error;
  const said = Buffer.concat([...end.stdErr, ...end.stdOut]);
  if (error instanceof Error) return error;
  return said.toString().trim() === '' ? Buffer.from(`git ended with exit code ${end.exitCode}`) : said;
}

async function next(wanted: NewProject, checkout: Checkout, isCommitted: boolean): Promise<string[]> {
  const push = checkout.hasRemote ? `git push ${checkout.remote} ${wanted.branch}` : null;
  const there = wanted.branch === checkout.branch ? '' : `git switch ${wanted.branch} && `;
  const commit = `${there}${await addProjectFile(checkout)} && git commit -m "Configure tasks"`;
  const first = wanted.gate === null ? GIVE_GATE : isCommitted ? null : commit;
  const commands = [...[first, push].filter((step) => step !== null), 'tasks submit "What is to be done"'];
  const what = wanted.gate === null ? [NO_GATE] : ['Next:'];
  return [...what, ...commands.map((command) => `  ${command}`)];
}

const NO_GATE =
  'Nothing can be submitted before there is a gate, the command whose success lets work land. Write it there and commit, or:';
const GIVE_GATE = 'tasks init --force --commit --gate "the command that tests it"';
