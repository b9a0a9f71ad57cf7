/** By which tasks.yaml a phase goes, on a host that has no sandbox. */

import { describe, expect, it } from '@jest/globals';
import { asSubmitted, termsOn } from '../../src/activities/phase-terms.ts';
import { parseProjectFile } from '../../src/config/project-file.ts';
import { objectId, SPEC } from '../core/rig.ts';

const [SUBMITTED, MAIN] = [objectId(1), objectId(2)];
const request = { spec: { ...SPEC, work: { kind: 'shell', run: 'x' } as const, configCommit: SUBMITTED } };
const project = (more: string): string => `project: demo\nbranch: main\ngate: make\n${more}\n`;

/** With these files by their commits; main's tip is its own. */
function depsOf(files: Readonly<Record<string, string>>): Parameters<typeof asSubmitted>[0] {
  const git = {
    readFileAt: (_target: unknown, commit: string) =>
      Promise.resolve({ kind: 'file' as const, text: files[commit] ?? null }),
    lookAtMain: () => Promise.resolve({ commit: MAIN, since: 'first' as const, vanished: [] }),
  };
  return {
    git,
    parseSettings: parseProjectFile,
    confinement: { sandbox: null },
    process: { sandbox: { kind: 'missing', why: 'there is none' } },
  };
}

/** An agent's phase, at the tip of main. */
const OF_AGENT = { spec: { ...request.spec, work: { kind: 'agent', agent: 'mine' } as const } };
const agents = (name: string, program: string): string => project(`agents: {${name}: {command: [${program}]}}`);

const submittedBy = (files: Readonly<Record<string, string>>) => asSubmitted(depsOf(files), request);

async function termsAt(base: typeof MAIN, files: Readonly<Record<string, string>>) {
  const submitted = await submittedBy(files);
  if (submitted.kind === 'refused') throw new Error(submitted.failure.message);
  return termsOn(depsOf(files), request, base, submitted);
}

describe('a phase', () => {
  it('goes by the tasks.yaml of the main that it stands on', async () => {
    const files = { [SUBMITTED]: project('setup: "false"'), [MAIN]: project('setup: "true"') };
    expect(await termsAt(MAIN, files)).toMatchObject({ kind: 'ok', settings: { setup: 'true' } });
    expect(await termsAt(SUBMITTED, files)).toMatchObject({ kind: 'ok', settings: { setup: 'false' } });
  });

  it('goes by that of its submission where main has none that can be used', async () => {
    const files = { [SUBMITTED]: project('setup: "false"'), [MAIN]: 'gate: [' };
    expect(await termsAt(MAIN, files)).toMatchObject({ kind: 'ok', settings: { setup: 'false' } });
  });

  it('is refused at once where a sandbox is required then and now, and not where main prefers one by now', async () => {
    const required = project('sandbox: required');
    const refused = { kind: 'refused', failure: { kind: 'no-sandbox' } };
    expect(await submittedBy({ [SUBMITTED]: required, [MAIN]: required })).toMatchObject(refused);
    expect(await submittedBy({ [SUBMITTED]: required })).toMatchObject(refused);
    const mended = { [SUBMITTED]: required, [MAIN]: project('') };
    expect(await submittedBy(mended)).toMatchObject({ kind: 'ok' });
    expect(await termsAt(MAIN, mended)).toMatchObject({ kind: 'ok', confined: { kind: 'open' } });
    expect(await termsAt(SUBMITTED, mended)).toMatchObject(refused);
  });

  it('is refused where main cannot be looked at, which could have said otherwise', async () => {
    const deps = depsOf({ [SUBMITTED]: project('sandbox: required'), [MAIN]: project('') });
    const git = { ...deps.git, lookAtMain: () => Promise.resolve(null) };
    expect(await asSubmitted({ ...deps, git }, request)).toMatchObject({ kind: 'refused' });
  });

  it('has the agent as main has it, and as submitted where main has it no more', async () => {
    const cases = [
      [agents('mine', 'mended'), 'mended'],
      [agents('other', 'x'), 'first'],
    ] as const;
    for (const [onMain, program] of cases) {
      const deps = depsOf({ [SUBMITTED]: agents('mine', 'first'), [MAIN]: onMain });
      const submitted = await asSubmitted(deps, OF_AGENT);
      if (submitted.kind === 'refused') throw new Error(submitted.failure.message);
      const terms = await termsOn(deps, OF_AGENT, MAIN, submitted);
      expect(terms).toMatchObject({ kind: 'ok', definition: { command: [program] } });
    }
  });
});
