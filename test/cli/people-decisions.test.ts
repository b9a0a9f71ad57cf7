/** Plans and patches decided from the command line, against a real engine. */

import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { startPeople } from './people-rig.ts';
import { type CliRun } from './rig.ts';
import { atTerminal } from './terminal.ts';

describe('a person who decides', () => {
  const people = startPeople();

  describe('a plan', () => {
    it('is shown whole, approved by its version, and its patch sent back, approved and landed', async () => {
      const id = await people().submit('Gate it', '--approve', 'plan,patch');
      await people().engine.untilWaiting(id, 'proposal');
      const page = (await people().tasks(['show', id])).stdout;
      expect(page).toContain('  # Plan\n\n  write draft\n');
      expect(page).toContain(`reply with: tasks approve ${id}@1\n          or: tasks revise ${id}@1 "…"\n`);
      expect((await people().show(id)).asks).toMatchObject([{ version: 1, kind: 'plan', commands: expect.any(Array) }]);
      expect(await people().tasks(['approve', `${id.slice(0, 6)}@1`])).toMatchObject({
        code: 0,
        stdout: `${id}@1  is approved; the task is running\n`,
      });
      await people().engine.until(id, 'waiting with its patch', (view) => view.waitingFor?.version === 2);
      const stale = await people().tasks(['approve', `${id}@1`]);
      expect(stale.stderr).toMatch(new RegExp(`^tasks: ${id}: 1 was approved by Ada at .*; open is 2 \\(`));
      expect(stale.code).toBe(1);
      expect((await people().tasks(['show', id])).stdout).toContain('  diff --git a/plan-');
      const sentBack = await people().tasks(['revise', id, 'add more', '--json']);
      expect(sentBack.json()).toEqual([
        { id, version: 2, reply: 'revise', taken: true, queued: false, state: 'running' },
      ]);
      await people().engine.until(id, 'waiting with its next patch', (view) => view.waitingFor?.version === 3);
      expect((await people().tasks(['approve', `${id}@3`])).code).toBe(0);
      expect((await people().tasks(['wait', id])).code).toBe(0);
      const said = (await people().show(id)).exchanges.map(({ kind, answer, actor }) => [kind, answer, actor]);
      expect(said).toEqual([
        ['decision', 'approved', 'Ada'],
        ['decision', 'changes are wanted: add more', 'Ada'],
        ['decision', 'approved', 'Ada'],
      ]);
    });

    it('is edited in the person’s own editor, and the edited text is what runs', async () => {
      const id = await people().withPlan('Edit it');
      const EDITOR = await people().editor('mend', 'sed -i "s/draft/final/" "$1"');
      const result = await people().tasks(['approve', id, '--edit', '--json'], {}, { EDITOR });
      expect(result.json()).toMatchObject([{ id, version: 1, reply: 'approve', taken: true, edited: true }]);
      expect((await people().tasks(['wait', id])).code).toBe(0);
      expect(await people().project.read(`plan-${id}.md`)).toBe('# Plan\n\nwrite final');
    });

    it('stays open when the editor fails, leaves nothing, or changes nothing', async () => {
      const id = await people().withPlan('Leave it');
      const edit = async (name: string, line: string): Promise<CliRun> =>
        people().tasks(['approve', id, '--edit'], {}, { VISUAL: await people().editor(name, line) });
      const failed = await edit('fails', 'echo x > "$1"; exit 3');
      expect(failed.stderr).toMatch(/^tasks: --edit: the editor .* ended with exit code 3; nothing was sent\n$/);
      expect(failed.code).toBe(1);
      const empty = await edit('empties', 'printf " \\n" > "$1"');
      expect(empty.stderr).toMatch(/^tasks: --edit: is empty; nothing was sent/);
      expect(empty.code).toBe(2);
      expect((await edit('removes', 'rm "$1"')).stderr).toMatch(
        /^tasks: --edit: the editor left no text .*nothing was sent/,
      );
      const same = await edit('keeps', 'true');
      expect(same.stderr).toContain(`nothing was sent: name what you approve, tasks approve ${id}@1`);
      const named = await people().tasks(
        ['approve', `${id}@1`, '--edit'],
        {},
        { VISUAL: await people().editor('keeps', 'true') },
      );
      expect(named.stderr).toContain('nothing was changed, and nothing was sent');
      expect(named.code).toBe(2);
      expect((await people().tasks(['approve', id, '--edit'])).stderr).toMatch(
        /no editor is set; set EDITOR, or .*--with FILE/,
      );
      expect((await people().show(id)).asks).toHaveLength(1);
      expect((await people().show(id)).events.some(({ happened }) => happened.kind === 'refused')).toBe(false);
      const texts = await people().tasks(['approve', `${id}@1`, '--with', '-'], { stdin: '# خطة\n\nwrite it' });
      expect(texts).toMatchObject({ code: 0, stderr: '' });
      expect((await people().tasks(['wait', id])).code).toBe(0);
      expect(await people().project.read(`plan-${id}.md`)).toContain('خطة');
    });

    it('without its version is shown and asked about at a terminal, and refused elsewhere', async () => {
      const id = await people().withPlan('Ask me');
      const refused = await people().tasks(['approve', id]);
      expect(refused.stderr).toMatch(new RegExp(`name what you approve, tasks approve ${id}@1 .* or give --yes\n$`));
      expect(refused.code).toBe(2);
      const no = await people().typing(['approve', id], [{ at: /\[y\/N\] $/, line: '' }]);
      expect(no.asked).toContain('  write draft\n');
      expect(no.asked).toContain('tasks: nothing was sent');
      expect(no.code).toBe(1);
      const gone = await people().typing(['approve', id], [{ at: /\[y\/N\] $/, line: null }]);
      expect(gone.code).toBe(1);
      expect((await people().show(id)).asks).toHaveLength(1);
      const yes = await people().typing(['approve', id], [{ at: /\[y\/N\] $/, line: 'y' }]);
      expect(yes).toMatchObject({ code: 0, stdout: `${id}@1  is approved; the task is running\n` });
      expect((await people().tasks(['wait', id])).code).toBe(0);
    });

    it('that has changed since it was shown is not approved', async () => {
      const id = await people().withPlan('Change under me');
      const between: Promise<unknown>[] = [];
      // Somebody else sends it back while this person reads, and the agent is done again before they say yes.
      const run = await atTerminal(
        people().place,
        ['approve', id],
        [
          {
            at: /\[y\/N\] $/,
            line: 'y',
            before: async () => {
              between.push(people().tasks(['revise', `${id}@1`, 'again']));
              await people().engine.until(id, 'waiting with its next plan', (view) => view.waitingFor?.version === 2);
            },
          },
        ],
      );
      await Promise.all(between);
      expect(run.asked).toMatch(new RegExp(`tasks: ${id}: 1 got changes requested by Ada`));
      expect(run.code).toBe(1);
      expect((await people().show(id)).asks).toMatchObject([{ version: 2 }]);
      const yes = await people().tasks(['approve', id, '--yes', '--json']);
      expect(yes.json()).toMatchObject([{ version: 2, taken: true, edited: false }]);
    });

    it('is approved once, however many do it at the same moment', async () => {
      const id = await people().withPlan('All at once');
      const runs = await Promise.all(Array.from({ length: 12 }, () => people().tasks(['approve', `${id}@1`])));
      expect(runs.filter(({ code }) => code === 0)).toHaveLength(1);
      for (const { code, stderr } of runs) if (code !== 0) expect(stderr).toMatch(/: 1 was approved by Ada at /);
      await people().tasks(['wait', id]);
      expect((await people().show(id)).exchanges).toHaveLength(1);
    });

    it('that is rejected ends its task, and what comes late is told what holds', async () => {
      const id = await people().withPlan('Turn it down');
      expect((await people().tasks(['reject', id])).stderr).toMatch(/^tasks: --reason: is missing/);
      const rejected = await people().tasks(['reject', `${id}@1`, '--reason', 'no: «لا»\u0007', '--json']);
      expect(rejected.json()).toMatchObject([{ id, version: 1, reply: 'reject', state: 'rejected' }]);
      expect((await people().engine.untilEnded(id)).failure?.message).toContain('no: «لا»');
      const late = await eventually('the end to be closed and recorded', async () => {
        const run = await people().tasks(['approve', `${id}@1`]);
        return run.stderr.includes('1 was rejected by Ada') && run.stderr.includes('has ended (rejected)') ? run : null;
      });
      expect(late.code).toBe(1);
      for (const argv of [
        ['answer', id, 'x'],
        ['revise', id, 'x'],
        ['comment', id, 'x'],
        ['edit', id, '--title', 'x'],
      ]) {
        const run = await people().tasks(argv);
        expect([argv[0], run.code, run.stderr.includes('the task has ended (rejected)')]).toEqual([argv[0], 1, true]);
      }
    });
  });
});
