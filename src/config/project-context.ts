/** What a command sees of the project that it is run in: the checkout, and tasks.yaml as it stands on the branch. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { branchTip, isIgnored, readCheckout, readFileAtCommit, type Checkout } from '../git/checkout.ts';
import type { ObjectId } from '../core/ids.ts';
import type { ProjectSettings } from '../core/project.ts';
import { codeOf } from '../core/thrown.ts';
import { parseProjectFile, PROJECT_FILE } from './project-file.ts';

export type ProjectContext =
  | {
      readonly kind: 'ok';
      readonly settings: ProjectSettings;
      /** The commit whose tasks.yaml the settings are from. */
      readonly configCommit: ObjectId;
      readonly origin: string;
      readonly checkout: Checkout;
      /** One line each, with how to mend it. */
      readonly warnings: readonly string[];
    }
  /** One line with the fix. `isNone`: there is no repository here, or nobody has given it a tasks.yaml yet. */
  | { readonly kind: 'invalid'; readonly message: string; readonly isNone: boolean };

/** The project of a folder; `env` is the person's, for git. */
export async function readProjectContext(
  folder: string,
  env?: Readonly<Record<string, string>>,
): Promise<ProjectContext> {
  const options = env === undefined ? {} : { env };
  const checkout = await readCheckout(folder, options);
  if (checkout.kind === 'none') return none(checkout.message);
  if (checkout.head === null) {
    return none('the repository has no commits yet; make one: git add -A && git commit -m "First commit"');
  }
  const working = await readWorkingCopy(checkout.root);
  if (working.kind === 'invalid') return invalid(working.message);
  const parsed = working.text === null ? null : parseProjectFile(working.text);
  const branch = parsed?.kind === 'ok' ? parsed.value.branch : checkout.branch;
  if (branch === null) {
    return parsed?.kind === 'invalid'
      ? invalid(parsed.message)
      : invalid('HEAD is detached, so that the branch is unknown; go to one: git switch main');
  }
  const tip = await branchTip(checkout, branch, options);
  if (tip === null) return invalid(noBranch(checkout, branch));
  const committed = await readFileAtCommit(checkout.root, tip, PROJECT_FILE, options);
  if (committed === null) {
    const isHere = await isCommittedHere(checkout, working.text, options);
    // To commit it as it is would only bring this to light.
    if (parsed?.kind === 'invalid' && !isHere) return invalid(parsed.message);
    if (working.text === null && !isHere) return none(`there is no ${PROJECT_FILE} here; make one with: tasks init`);
    return invalid(await notOnBranch(checkout, branch, isHere, options));
  }
  const settings = parseProjectFile(committed);
  if (settings.kind === 'invalid') {
    const place = isSameText(working.text, committed)
      ? ''
      : ` (as it stands on ${branch}; commit your copy if that is right)`;
    return invalid(`${settings.message}${place}`);
  }
  if (settings.value.branch !== branch) {
    return invalid(
      `${PROJECT_FILE}: branch: on ${branch} it names ${settings.value.branch}; go there: git switch ${settings.value.branch}`,
    );
  }
  const warnings = isSameText(working.text, committed)
    ? []
    : [await difference(checkout, branch, working.text, options)];
  return { kind: 'ok', settings: settings.value, configCommit: tip, origin: checkout.origin, checkout, warnings };
}

type Options = { readonly env?: Readonly<Record<string, string>> };

function noBranch(checkout: Checkout, branch: string): string {
  if (!checkout.hasRemote) {
    return `${PROJECT_FILE}: branch: ${branch} does not exist; make it: git branch ${branch}, or name the right one`;
  }
  return `branch ${branch} is not on ${checkout.remote}, as far as this checkout knows; push it: git push -u ${checkout.remote} ${branch}, or fetch: git fetch ${checkout.remote}`;
}

async function notOnBranch(checkout: Checkout, branch: string, isHere: boolean, options: Options): Promise<string> {
  if (isHere)
    return `${PROJECT_FILE} is committed here, but not on ${where(checkout, branch)}; ${bring(checkout, branch)}`;
  const steps = commit(checkout, branch, await addProjectFile(checkout, options));
  return `${PROJECT_FILE} is not committed; commit it: ${steps}`;
}

async function difference(
  checkout: Checkout,
  branch: string,
  working: string | null,
  options: Options,
): Promise<string> {
  const counts = `the copy on ${where(checkout, branch)} counts`;
  if (working === null) return `${PROJECT_FILE} is missing here; ${counts}; get it: git checkout -- ${PROJECT_FILE}`;
  if (await isCommittedHere(checkout, working, options)) {
    return `${PROJECT_FILE} as committed here differs from ${where(checkout, branch)}; ${counts}; ${bring(checkout, branch)}`;
  }
  return `${PROJECT_FILE} here differs from ${where(checkout, branch)}; ${counts}; to use yours: ${commit(checkout, branch, await addProjectFile(checkout, options))}`;
}

async function isCommittedHere(checkout: Checkout, working: string | null, options: Options): Promise<boolean> {
  if (checkout.head === null || working === null) return false;
  return isSameText(await readFileAtCommit(checkout.root, checkout.head, PROJECT_FILE, options), working);
}

/** But for the ends of its lines: in a checkout they are as git's `core.autocrlf` has them. */
function isSameText(one: string | null, other: string | null): boolean {
  return one?.replaceAll('\r\n', '\n') === other?.replaceAll('\r\n', '\n');
}

function where(checkout: Checkout, branch: string): string {
  return checkout.remote === null ? branch : `${checkout.remote}/${branch}`;
}

function bring(checkout: Checkout, branch: string): string {
  if (checkout.branch !== branch) return `bring the commit to ${branch}: git switch ${branch} && git cherry-pick …`;
  return `git push ${checkout.remote} ${branch}`;
}

/** The command that adds tasks.yaml, which a .gitignore that names what it does not ignore ignores too. */
export async function addProjectFile(checkout: Checkout, options: Options = {}): Promise<string> {
  return `git add ${(await isIgnored(checkout, PROJECT_FILE, options)) ? '--force ' : ''}${PROJECT_FILE}`;
}

function commit(checkout: Checkout, branch: string, add: string): string {
  const steps = [add, `git commit -m "Configure tasks" -- ${PROJECT_FILE}`];
  if (checkout.branch !== branch) steps.unshift(`git switch ${branch}`);
  if (checkout.hasRemote) steps.push(`git push ${checkout.remote} ${branch}`);
  return steps.join(' && ');
}

async function readWorkingCopy(
  root: string,
): Promise<
  { readonly kind: 'read'; readonly text: string | null } | { readonly kind: 'invalid'; readonly message: string }
> {
  try {
    return { kind: 'read', text: await readFile(join(root, PROJECT_FILE), 'utf8') };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return { kind: 'read', text: null };
    if (code === null) throw error;
    return { kind: 'invalid', message: `${PROJECT_FILE}: cannot be read (${code}); mend its permissions` };
  }
}

type Invalid = Extract<ProjectContext, { kind: 'invalid' }>;

function invalid(message: string): Invalid {
  return { kind: 'invalid', message, isNone: false };
}

function none(message: string): Invalid {
  return { kind: 'invalid', message, isNone: true };
}
