/** Identifiers. Each is branded and made only by its parser, so that an unchecked string cannot stand for one. */

import { fail, ok, type Parsed } from './parsed.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Ten letters and digits of Crockford's base 32, lower case: 50 random bits. */
export type TaskId = Branded<'TaskId'>;
/** 1 to 63 of a-z, 0-9 and hyphen, beginning with a letter or digit. */
export type ProjectName = Branded<'ProjectName'>;
/** A full git object id: 40 or 64 hexadecimal digits. */
export type ObjectId = Branded<'ObjectId'>;
/** A branch's short name, such as `main` or `release/1.2`. */
export type BranchName = Branded<'BranchName'>;

const ID_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
export const TASK_ID_LENGTH = 10;
const TASK_ID = /^[0-9a-hjkmnp-tv-z]{10}$/;
const TASK_ID_PREFIX = /^[0-9a-hjkmnp-tv-z]{1,10}$/;
const PROJECT_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
// git check-ref-format's rules, without what only a ref of several levels needs.
const BRANCH_REFUSED = /^[-/.]|\.\.|[\x00-\x20\x7f~^:?*[\\]|@\{|\/\/|\/\.|\.lock(?:\/|$)|[/.]$|^@$|^HEAD$/;
// Git takes these, but nobody sees them: control and direction characters, other spaces, and halves of characters.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Z}]/u;
/** A workflow's id, `integration/<project>/<branch>`, may have 255 characters. */
const MAX_BRANCH_CHARS = 170;

/**
 * A task id from {@link TASK_ID_LENGTH} random (or hashed) bytes; more are left unused.
 *
 * @throws RangeError when there are fewer: the id would not be random
 */
export function taskIdFromBytes(bytes: Uint8Array): TaskId {
  if (bytes.length < TASK_ID_LENGTH) throw new RangeError(`a task id needs ${TASK_ID_LENGTH} bytes`);
  let id = '';
  for (const byte of bytes.subarray(0, TASK_ID_LENGTH)) id += ID_ALPHABET.charAt(byte & 31);
  return id as TaskId;
}

export function parseTaskId(text: string): Parsed<TaskId> {
  return TASK_ID.test(text)
    ? ok(text as TaskId)
    : fail(`${quote(text)} is no task id: ids are ${TASK_ID_LENGTH} letters and digits, as tasks list shows them`);
}

/** What a person may type for an id: the id or its beginning. */
export function parseTaskIdPrefix(text: string): Parsed<string> {
  return TASK_ID_PREFIX.test(text)
    ? ok(text)
    : fail(`${quote(text)} is no task id: give an id or its beginning, as tasks list shows them`);
}

export function parseProjectName(text: string): Parsed<ProjectName> {
  return PROJECT_NAME.test(text)
    ? ok(text as ProjectName)
    : fail(`project: ${quote(text)} must be 1 to 63 of a-z, 0-9 and -, and begin with a letter or digit`);
}

export function parseObjectId(text: string): Parsed<ObjectId> {
  return OBJECT_ID.test(text) ? ok(text as ObjectId) : fail(`${quote(text)} is no full git object id`);
}

export function parseBranchName(text: string): Parsed<BranchName> {
  return text.length > 0 && text.length <= MAX_BRANCH_CHARS && !BRANCH_REFUSED.test(text) && !UNSEEN.test(text)
    ? ok(text as BranchName)
    : fail(`branch: ${quote(text)} is not a name that git takes for a branch`);
}

/** A value in quotes, cut and with control and direction characters shown, fit for one line of an error. */
export function quote(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 57)}…` : text;
  return JSON.stringify(cut).replace(/(?! )[\p{Cc}\p{Cf}\p{Z}]/gu, (character) =>
    character.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

export const workflowIds = {
  task: (id: TaskId): string => `task/${id}`,
  integration: (project: ProjectName, branch: BranchName): string => `integration/${project}/${branch}`,
  notice: (id: TaskId, sequence: number): string => `notice/${id}/${sequence}`,
  /** Of a queue; `name` tells it from all others of it. */
  queueNotice: (project: ProjectName, branch: BranchName, name: string): string =>
    `notice/${project}/${branch}/${name}`,
  /** `key`: the tree and the hash of the gate's definition. */
  gate: (project: ProjectName, key: string): string => `gate/${project}/${key}`,
};

/** The task id in a task workflow's id, or null when it is some other workflow's. */
export function taskIdOfWorkflow(workflowId: string): TaskId | null {
  const id = workflowId.startsWith('task/') ? workflowId.slice('task/'.length) : '';
  return TASK_ID.test(id) ? (id as TaskId) : null;
}
