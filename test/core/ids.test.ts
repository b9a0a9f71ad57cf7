import { describe, expect, it } from '@jest/globals';
import {
  parseBranchName,
  parseObjectId,
  parseProjectName,
  parseTaskId,
  parseTaskIdPrefix,
  quote,
  TASK_ID_LENGTH,
  taskIdFromBytes,
  taskIdOfWorkflow,
  workflowIds,
} from '../../src/core/ids.ts';
import { messageOf, valueOf } from './rig.ts';

describe('a task id', () => {
  it('is made of every letter and digit of its alphabet, and its parser takes it', () => {
    const made = new Set<string>();
    for (let byte = 0; byte < 256; byte += 1) {
      const id = taskIdFromBytes(new Uint8Array(TASK_ID_LENGTH + 2).fill(byte));
      expect(valueOf(parseTaskId(id))).toBe(id);
      made.add(id);
    }
    expect(made.size).toBe(32);
  });

  it('is not made of too few bytes', () => {
    expect(() => taskIdFromBytes(new Uint8Array(TASK_ID_LENGTH - 1))).toThrow(RangeError);
  });

  it.each(['', 'short', '012345678i', '0123456789\n', '01234567890', '../../etc/', 'ABCDEFGHJK'])(
    'is not %j',
    (text) => {
      expect(messageOf(parseTaskId(text))).toContain('is no task id');
    },
  );

  it('may be typed by its beginning, and not by more or by nothing', () => {
    expect(valueOf(parseTaskIdPrefix('0ab'))).toBe('0ab');
    expect(messageOf(parseTaskIdPrefix(''))).toContain('give an id or its beginning');
    expect(messageOf(parseTaskIdPrefix('0123456789a'))).toContain('is no task id');
  });

  it('names its workflow and is found in that name alone', () => {
    const id = taskIdFromBytes(new Uint8Array(TASK_ID_LENGTH));
    expect(taskIdOfWorkflow(workflowIds.task(id))).toBe(id);
    expect(taskIdOfWorkflow('integration/demo/main')).toBeNull();
    expect(taskIdOfWorkflow('task/../x')).toBeNull();
  });
});

describe('the workflows of a project', () => {
  it('are named by its queue’s branch, and gate runs by what they are about', () => {
    const [project, branch] = [valueOf(parseProjectName('demo')), valueOf(parseBranchName('release/1'))];
    expect(workflowIds.queueNotice(project, branch, 'red-5')).toBe('notice/demo/release/1/red-5');
    expect(workflowIds.gate(project, 'tree/hash')).toBe('gate/demo/tree/hash');
    expect(taskIdOfWorkflow(workflowIds.gate(project, 'tree/hash'))).toBeNull();
  });
});

describe('a project, an object and a branch', () => {
  it('take a project name of up to 63 characters', () => {
    expect(valueOf(parseProjectName('my-app'))).toBe('my-app');
    expect(parseProjectName('a'.repeat(63)).kind).toBe('ok');
    for (const text of ['', '-a', 'A', 'a/b', 'a\n', 'a'.repeat(64)]) {
      expect(messageOf(parseProjectName(text))).toContain('project: ');
    }
  });

  it('take a full object id of either hash and nothing shorter', () => {
    expect(parseObjectId('0'.repeat(40)).kind).toBe('ok');
    expect(parseObjectId('f'.repeat(64)).kind).toBe('ok');
    for (const text of ['', 'HEAD', 'f'.repeat(39), 'F'.repeat(40)]) expect(parseObjectId(text).kind).toBe('invalid');
  });

  it.each(['main', 'release/1.2', 'größe', 'a@b', 'x.locked'])('take the branch %s', (text) => {
    expect(valueOf(parseBranchName(text))).toBe(text);
  });

  it.each([
    '',
    '-main',
    '.main',
    '/main',
    'a..b',
    'a b',
    'a\nb',
    'a~b',
    'a@{b',
    'a//b',
    'a/.b',
    'a.lock',
    'a.lock/b',
    'a/',
    'a.',
    '@',
    'HEAD',
    'a\u202eb',
    'a\u200bb',
    'a\u00a0b',
    'a\ud83d',
    'x'.repeat(171),
  ])('refuse the branch %j', (text) => {
    expect(messageOf(parseBranchName(text))).toMatch(/^branch: [ -~…]+$/);
  });

  it('keep the longest integration workflow id within the 255 characters that a server takes', () => {
    const id = workflowIds.integration(
      valueOf(parseProjectName('p'.repeat(63))),
      valueOf(parseBranchName('b'.repeat(170))),
    );
    expect(id.length).toBeLessThanOrEqual(255);
  });
});

describe('a quoted value', () => {
  it('shows what cannot be seen and is cut', () => {
    expect(quote('a\n\u202e"')).toBe('"a\\n\\u202e\\""');
    expect(quote('x'.repeat(61))).toBe(`"${'x'.repeat(57)}…"`);
    expect(quote('a\u00a0\u{e0041}b c')).toBe('"a\\u00a0\\udb40\\udc41b c"');
    expect(quote('\ud83d')).toBe('"\\ud83d"');
  });
});
