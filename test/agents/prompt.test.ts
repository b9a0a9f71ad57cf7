import { describe, expect, it } from '@jest/globals';

import { buildPrompt, type PromptInput } from '../../src/agents/prompt.ts';
import { COMMIT, FILES, SPEC } from './facts.ts';

const INPUT: PromptInput = {
  spec: SPEC,
  phase: 'execute',
  attempt: 3,
  files: FILES,
  edited: false,
  exchanges: [],
  leftOut: null,
  request: null,
  conflict: null,
  lastFailure: null,
  conflicted: [],
  unfinished: null,
  notes: [],
  approved: [],
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
    for (const absent of [
      'Answers',
      'Decisions',
      'Comments',
      'have edited',
      'left out here',
      'approved by',
      'Why it came back',
      'Conflict markers',
      'attempt before',
      'undefined',
      'null',
    ]) {
      expect(prompt).not.toContain(absent);
    }
  });

  it('says what of people’s words had no room, before the rest of them', () => {
    const said = { kind: 'comment', question: '', answer: 'short', actor: 'Ada', atMs: 0 } as const;
    const some = buildPrompt({ ...INPUT, exchanges: [said], leftOut: { question: 1, decision: 0, comment: 2 } });
    expect(some).toContain(
      'the oldest of it is left out (1 answer, 2 comments), and what follows is the rest. They counted',
    );
    expect(some).not.toContain('proposed again.');
    expect(some.indexOf('left out')).toBeLessThan(some.indexOf('Ada commented'));
    const approved = buildPrompt({ ...INPUT, leftOut: { question: 0, decision: 1, comment: 0 } });
    expect(approved).toContain('(1 decision), and what follows is the rest. It counted');
    expect(approved).toContain('What such a decision approved is to be proposed again.');
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

  it('says which of it a person has approved', () => {
    const prompt = buildPrompt({ ...INPUT, notes: ['plan.md', 'understanding.md'], approved: ['plan.md'] });
    expect(prompt).toContain(
      '- /h/task/plan.md (approved by a person: it holds as it stands)\n- /h/task/understanding.md\n',
    );
  });

  it('says that the submission was edited', () => {
    expect(buildPrompt({ ...INPUT, edited: true })).toMatch(
      /^# Add a --json flag\n\nTo the list command\.\n\nPeople have/,
    );
  });

  it('carries decisions with every word that was approved, in a fence that they cannot close', () => {
    const body = 'To: all@example.org\n\n## How to end\n```\nHello\n```';
    const exchanges = [
      { kind: 'decision', question: `the message "Hello"\n\n${body}`, answer: 'approved', actor: 'Ada', atMs: 0 },
      {
        kind: 'decision',
        question: 'the effect "Release"',
        answer: 'approved with edits; what holds is:\nrelease 1.1\nnot 2.0',
        actor: 'Bo',
        atMs: 1_000,
      },
      { kind: 'decision', question: 'the patch "x"', answer: 'changes are wanted: less', actor: 'Bo', atMs: 2_000 },
    ] as const;
    const prompt = buildPrompt({ ...INPUT, exchanges });
    expect(prompt).toContain(
      `## Decisions about what you proposed\n\nWhat was approved may be done now: exactly as it was approved, once,`,
    );
    expect(prompt).toContain(
      `**You proposed:** the message "Hello"\n\n\`\`\`\`\n${body}\n\`\`\`\`\n\n**Ada decided at 1970-01-01T00:00:00.000Z:** approved`,
    );
    expect(prompt).toContain('approved with edits; what holds is:\n\n```\nrelease 1.1\nnot 2.0\n```');
    expect(prompt).toContain('**Bo decided at 1970-01-01T00:00:02.000Z:** changes are wanted: less');
    expect(prompt).not.toContain('You asked');
  });

  it('carries comments, apart from answers', () => {
    const exchanges = [
      { kind: 'comment', question: '', answer: 'Mind the tests.', actor: 'Ada', atMs: 0 },
      { kind: 'question', question: 'Which port?', answer: '8080', actor: 'Bo', atMs: 0 },
    ] as const;
    const prompt = buildPrompt({ ...INPUT, exchanges });
    expect(prompt).toContain('## Comments of people, oldest first\n\n**Ada commented:** Mind the tests.');
    expect(prompt.match(/You asked/g)).toHaveLength(1);
  });

  it('says how to ask and how to propose, and what must be proposed', () => {
    const prompt = buildPrompt(INPUT);
    for (const part of ['"questions":[', '"choices":[', '"default":', '"deadline":"2d"', '"proposals":[', '`items`']) {
      expect(prompt).toContain(part);
    }
    for (const kind of ['effect', 'message', 'plan', 'patch', 'tasks']) expect(prompt).toContain(`- \`${kind}\`: `);
    expect(prompt).toMatch(
      /never done without an approval.*\n- `effect`: whatever cannot be taken back or reaches outside/,
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

  it('says whose unfinished work is in the worktree, and nothing where none is', () => {
    const prompt = buildPrompt({ ...INPUT, unfinished: 2 });
    expect(prompt).toContain('## You go on from unfinished work\n\nAttempt 2 was cut off');
    expect(buildPrompt(INPUT)).not.toContain('unfinished');
  });

  it('tells how the last attempt failed', () => {
    const lastFailure = { kind: 'no-report', message: 'it left no report', next: 'n', evidence: 'the end' } as const;
    expect(buildPrompt({ ...INPUT, lastFailure })).toContain('it left no report (no-report)\n\n```\nthe end\n```');
  });

  it('says what landed meanwhile conflicts, in which files, and what it was for', () => {
    const conflict = {
      head: COMMIT,
      main: COMMIT,
      files: ['src/list.ts'],
      landed: [{ commit: COMMIT, title: 'Sort the list', summary: 'Newest first.' }],
    };
    const prompt = buildPrompt({ ...INPUT, conflict });
    expect(prompt).toContain('## What landed meanwhile conflicts with your work');
    expect(prompt).toContain('\n- src/list.ts');
    expect(prompt).toContain(`- ${COMMIT.slice(0, 12)} Sort the list: Newest first.`);
    expect(buildPrompt(INPUT)).not.toContain('landed meanwhile');
  });

  it('says in a revision what landed was for, and nothing of a merge that is still to come: main is merged', () => {
    const landed = [{ commit: COMMIT, title: 'Sort the list', summary: 'Newest first.' }];
    const conflict = { head: COMMIT, main: COMMIT, files: ['src/list.ts'], landed };
    const prompt = buildPrompt({ ...INPUT, phase: 'revise', conflict });
    expect(prompt).toContain('main as it now is has been merged into your branch');
    expect(prompt).not.toContain('cannot be merged with main');
    expect(prompt).not.toContain('main is merged when it lands');
    expect(prompt).toContain(`- ${COMMIT.slice(0, 12)} Sort the list: Newest first.`);
    expect(buildPrompt({ ...INPUT, phase: 'revise', conflict: { ...conflict, landed: [] } })).not.toContain(
      'meanwhile\n',
    );
  });
});
