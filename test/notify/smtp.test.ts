import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NoticeTarget } from '../../src/core/notice-types.ts';
import { mailServer, type MailServer } from '../support/mail-server.ts';
import { MESSAGE, room, SHORT_MS } from './rig.ts';

describe('e-mail', () => {
  let server: MailServer;

  beforeAll(async () => {
    server = await mailServer();
  });

  beforeEach(() => {
    server.mails.length = 0;
    server.refuse = () => null;
    server.silent = false;
  });

  afterAll(async () => {
    await server.close();
  });

  const target = (change: { readonly url?: string; readonly to?: readonly string[] } = {}): NoticeTarget => ({
    kind: 'smtp',
    url: `smtp://ada:s%40cret-word@127.0.0.1:${server.port}`,
    from: 'Tributary <tributary@example.test>',
    to: ['ada@example.test', 'bob@example.test'],
    ...change,
  });

  it('goes to everybody, with what is asked and the command to reply', async () => {
    await expect(room().tell(target(), MESSAGE)).resolves.toEqual({ kind: 'told', said: '250 2.0.0 kept' });
    const [mail] = server.mails;
    expect(mail).toMatchObject({
      from: 'tributary@example.test',
      to: ['ada@example.test', 'bob@example.test'],
      user: '|ada|s@cret-word',
    });
    expect(mail?.data).toContain('Message-ID: <notice.7fk2000000.3@example.test>');
    expect(mail?.data).toContain('Auto-Submitted: auto-generated');
    expect(subjectOf(mail?.data)).toBe(MESSAGE.title);
  });

  it('has its text as it is: what is asked, the command, the link', async () => {
    await room().tell(target(), { ...MESSAGE, title: 'Plain', commands: ['tasks answer 7fk2000000@1'] });
    const [, body] = split(server.mails[0]?.data);
    expect(body).toContain('Which one? <!channel> & *so on*');
    expect(body).toContain('tasks answer 7fk2000000@1');
    expect(body).toContain(MESSAGE.url ?? '');
  });

  it('with a title that tries to add a header has no such header', async () => {
    await room().tell(target(), { ...MESSAGE, title: 'Hello\r\nBcc: eve@example.test' });
    expect(server.mails[0]?.to).toEqual(['ada@example.test', 'bob@example.test']);
    expect(split(server.mails[0]?.data)[0]).not.toMatch(/^Bcc:/im);
  });

  it.each([
    ['451 later', true],
    ['550 no such person', false],
  ])('that is refused with %j is tried again: %s', async (reply, again) => {
    server.refuse = (command) => (command.startsWith('RCPT') ? reply : null);
    await expect(room().tell(target({ to: ['ada@example.test'] }), MESSAGE)).resolves.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining(reply),
      again,
    });
    expect(server.mails).toEqual([]);
  });

  it('that one of two addresses gets is not sent again, and says so', async () => {
    server.refuse = (command) => (/^RCPT.*bob/.test(command) ? '550 no such person' : null);
    await expect(room().tell(target(), MESSAGE)).resolves.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('refused 1 of 2 addresses'),
      again: false,
    });
    expect(server.mails).toHaveLength(1);
  });

  it('never tells a password, whatever the server repeats', async () => {
    server.refuse = (command) =>
      command.startsWith('AUTH') ? '535 s@cret-word of ada is wrong, s%40cret-word too' : null;
    const told = await room().tell(target(), MESSAGE);
    expect(told).toMatchObject({ kind: 'failed', message: expect.stringContaining('is wrong'), again: true });
    expect(JSON.stringify(told)).not.toContain('cret-word');
  });

  it('to a server that says nothing is given up in time', async () => {
    server.silent = true;
    await expect(room(SHORT_MS).tell(target(), MESSAGE)).resolves.toMatchObject({ kind: 'failed', again: true });
  });

  it('to a server that is not there is tried again', async () => {
    const gone = await mailServer();
    await gone.close();
    await expect(room().tell(target({ url: `smtp://127.0.0.1:${gone.port}` }), MESSAGE)).resolves.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('ECONNREFUSED'),
      again: true,
    });
  });
});

/** Header and body. */
function split(data = ''): readonly [string, string] {
  const at = data.indexOf('\n\n');
  return [data.slice(0, at), data.slice(at + 2)];
}

/** The subject, its quoted-printable words decoded. */
function subjectOf(data: string | undefined): string {
  const [, subject = ''] = /^Subject: ((?:.|\n )*)/m.exec(data ?? '') ?? [];
  const words = [...subject.matchAll(/=\?UTF-8\?Q\?([^?]*)\?=/gi)].map(([, word = '']) => word.replaceAll('_', ' '));
  return decodeURIComponent(words.join('').replaceAll('%', '%25').replaceAll('=', '%'));
}
