import { describe, expect, it } from '@jest/globals';
import { adapterFor } from '../../src/agents/adapters.ts';
import { isSessionId, moveTranscript, packSession, unpackSession } from '../../src/agents/transcript.ts';

const SESSION = '3f1c8e54-9a3e-4f0a-8a53-0d6a3b1f2c11';
const HERE = { workspace: '/srv/a "b"/workspaces/demo/0123456789', home: '/srv/a "b"/scratch/demo/0123456789' };
const THERE = { workspace: '/home/t/workspaces/demo/0123456789', home: '/home/t/scratch/demo/0123456789' };
const HEAD = { agent: 'claude', session: SESSION, places: HERE };

const line = (cwd: string, home: string): string =>
  `${JSON.stringify({ cwd: `${cwd}/worktree`, text: `in ${home}.` })}\n`;

describe('a session that travels', () => {
  it('comes out as it went in, but for the line that the agent was in the middle of', () => {
    expect(unpackSession(packSession(HEAD, '{"n":1}\n{"n":2}\n{"n":'))).toEqual({
      ...HEAD,
      transcript: '{"n":1}\n{"n":2}\n',
    });
    expect(unpackSession(packSession(HEAD, ''))).toMatchObject({ transcript: '' });
  });

  it.each([
    '',
    'no json\n{}',
    '[]\n',
    '{"agent":"claude"}\n',
    packSession({ ...HEAD, session: '../../etc' }, '{}\n'),
    packSession({ ...HEAD, places: { ...HERE, home: '' } }, '{}\n'),
  ])('is not taken for one when it is something else: %j', (text) => {
    expect(unpackSession(text)).toBeNull();
  });

  it('names the folders of the host that it has come to, in the form that JSON has them in', () => {
    expect(moveTranscript(line(HERE.workspace, HERE.home), HERE, THERE)).toBe(line(THERE.workspace, THERE.home));
  });

  it('has an id that can be part of a path', () => {
    expect(isSessionId(SESSION)).toBe(true);
    for (const wrong of ['', 'short', '-starts-with-a-dash', 'a/b/c/d/e/f', '........', 'x'.repeat(65)]) {
      expect(isSessionId(wrong)).toBe(false);
    }
  });

  it('is, of Claude Code, a file by the name of the working directory; other agents’ stay where they are', () => {
    const claude = adapterFor({ kind: 'claude', model: null, args: [] });
    expect(claude.transcript?.('/srv/my_work.s/worktree', SESSION)).toBe(
      `.claude/projects/-srv-my-work-s-worktree/${SESSION}.jsonl`,
    );
    expect(adapterFor({ kind: 'command', command: ['sh'], phases: [] }).transcript).toBeUndefined();
  });
});
