import { describe, expect, it } from '@jest/globals';
import { parseProjectFile } from '../../src/config/project-file.ts';

const LEAST = 'project: my-app\nbranch: main\ngate: npm test\n';

describe('what tasks.yaml says of trying again', () => {
  it('is for all phases, and for one what it says of itself', () => {
    const text = `${LEAST}attempts: 4\nbackoff: {first: 10s, cap: 5m}\nphases:\n  plan: {attempts: 1, idle: 5m, timeout: 20m}\n  execute: {backoff: {first: 2m}}\n`;
    expect(parseProjectFile(text)).toMatchObject({
      kind: 'ok',
      value: {
        policy: {
          attempts: 4,
          idleTimeoutMs: 900_000,
          backoff: { firstMs: 10_000, capMs: 300_000 },
          phases: {
            plan: { attempts: 1, idleTimeoutMs: 300_000, totalTimeoutMs: 1_200_000 },
            // Longer than the usual cap: its own.
            execute: { backoff: { firstMs: 120_000, capMs: 120_000 } },
          },
        },
      },
    });
    expect(parseProjectFile(`${LEAST}backoff: {cap: 10s}\nphases:\n`)).toMatchObject({
      value: { policy: { backoff: { firstMs: 1_000, capMs: 10_000 } } },
    });
  });

  it.each([
    ['phases: {review: {attempts: 1}}', 'phases: "review" is no key here; did you mean revise?'],
    ['phases: {plan: {attempts: 0}}', 'phases.plan.attempts: must be a whole number from 1 to 20'],
    ['phases: {plan: {revisions: 1}}', 'phases.plan: "revisions" is no key here'],
    ['phases: {plan: {idle: soon}}', 'phases.plan.idle: "soon" is no duration'],
    ['phases: [plan]', 'phases: must be a map of understand, plan, execute, revise'],
    ['backoff: 10s', 'backoff: must be a map of first and cap'],
    ['backoff: {first: 0s}', 'backoff.first: "0s" is out of range'],
  ])('is refused when it cannot be: %s', (text, message) => {
    expect(parseProjectFile(`${LEAST}${text}\n`)).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message),
    });
  });
});
