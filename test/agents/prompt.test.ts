import { describe, expect, it } from '@jest/globals';

import { buildPrompt, type PromptInput } from '../../src/agents/prompt.ts';
import { COMMIT, FILES, SPEC } from './facts.ts';

const INPUT: PromptInput = {
  spec: SPEC,
  phase: 'execute',
  attempt: 3,
  files: FILES,
  exchanges: [],
  request: null,
  lastFailure: null,
  conflicted: [],
  notes: [],
};

describe('the prompt', () => {
  it('says the task, the job, the folders and how to end', () => {
    const prompt = buildPrompt(INPUT);
    expect(prompt).toMatch(/^# Add a --json flag\n\nTo the list command\.\n\n## Your job now: execute/);
    for (const part of [
      FILES.worktree,
      FILES.taskDir,
      FILES.branch,
      FILES.reportFile,
      'attempt 3',
      '"status":"done"',
    ]) {
      expect(prompt).toContain(part);
    }
    for (const absent of ['Answers', 'Why it came back', 'Conflict markers', 'attempt before', 'undefined', 'null']) {
      expect(prompt).not.toContain(absent);
    }
  });

  it.each([
    ['understand', 'understanding.md', true],
    ['plan', 'plan.md', true],
    ['execute', 'result.md', false],
    ['revise', 'result.md', false],
  ] as const)('of %s names %s', (phase, document, readsOnly) => {
    const prompt = buildPrompt({ ...INPUT, phase });
    expect(prompt).toContain(`/h/task/${document}`);
    expect(prompt.includes('Change nothing in the worktree')).toBe(readsOnly);
    expect(prompt.includes('marked `report`')).toBe(readsOnly);
  });

  it('points to what earlier phases left', () => {
    expect(buildPrompt({ ...INPUT, notes: ['understanding.md', 'plan.md'] })).toContain(
      'Read first what earlier phases left:\n- /h/task/understanding.md\n- /h/task/plan.md',
    );
  });

  it('carries questions with their answers', () => {
    const exchanges = [{ kind: 'question' as const, question: 'Which port?', answer: '8080', actor: 'Ada', atMs: 0 }];
    expect(buildPrompt({ ...INPUT, exchanges })).toContain('**You asked:** Which port?\n\n**Ada answered:** 8080');
  });

  it('carries the evidence of a revision, in a fence that its text cannot close', () => {
    const prompt = buildPrompt({
      ...INPUT,
      phase: 'revise',
      conflicted: ['src/a.ts'],
      request: {
        kind: 'red',
        main: COMMIT,
        text: 'npm test exited with 1',
        files: ['src/b.ts'],
        failedCommand: 'npm test',
        evidence: '```\nnot ok 1\n```',
        landedSince: [{ commit: COMMIT, title: 'Another' }],
      },
    });
    expect(prompt).toContain('## Why it came back\n\nnpm test exited with 1\n\nThe command that failed: `npm test`');
    expect(prompt).toContain('````\n```\nnot ok 1\n```\n````');
    expect(prompt).toContain('- dddddddddddd Another');
    expect(prompt).toContain('- src/b.ts');
    expect(prompt).toMatch(/conflict markers .*\n- src\/a\.ts/);
  });

  it('tells how the last attempt failed', () => {
    const lastFailure = { kind: 'no-report', message: 'it left no report', next: 'n', evidence: 'the end' } as const;
    expect(buildPrompt({ ...INPUT, lastFailure })).toContain('it left no report (no-report)\n\n```\nthe end\n```');
  });
});
