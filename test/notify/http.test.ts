import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { NoticeTarget } from '../../src/core/notice-types.ts';
import { listen, type Listener } from '../support/listener.ts';
import { MESSAGE, room, SHORT_MS } from './rig.ts';

const TOKEN = 'tk_0123456789abcdef';
const SECRET = 'a-secret-of-the-webhook';
const PASSWORD = 'p%40ss-w0rd';

let listener: Listener;

beforeAll(async () => {
  listener = await listen();
});

beforeEach(() => {
  listener.heard.length = 0;
  listener.reply = (response) => void response.end('ok');
});

afterAll(async () => {
  await listener.close();
});

function bodyOf(): unknown {
  const [heard] = listener.heard;
  return JSON.parse(heard?.body ?? 'null');
}

const hook = (change: { readonly url?: string; readonly secret?: string } = {}): NoticeTarget => ({
  kind: 'webhook',
  url: `${listener.url}/hook`,
  secret: null,
  ...change,
});

const ntfy = (path: string, token: string | null = null): NoticeTarget => ({
  kind: 'ntfy',
  url: `${listener.url}${path}`,
  token,
});

describe('ntfy', () => {
  it('publishes to the topic of the address, with a title of any letters and a link to click', async () => {
    await expect(room().tell(ntfy('/sub/my-topic', TOKEN), MESSAGE)).resolves.toEqual({
      kind: 'told',
      said: 'HTTP 200',
    });
    expect(listener.heard).toMatchObject([
      {
        method: 'POST',
        path: '/sub/',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      },
    ]);
    expect(bodyOf()).toEqual({
      topic: 'my-topic',
      title: MESSAGE.title,
      message: `${MESSAGE.text}\n\n${MESSAGE.commands.join('')}`,
      priority: 4,
      tags: ['asks'],
      click: MESSAGE.url,
    });
  });

  it('takes the name and password of an address', async () => {
    await room().tell(
      { kind: 'ntfy', url: listener.url.replace('://', `://ada:${PASSWORD}@`) + '/topic', token: null },
      { ...MESSAGE, url: null, event: 'landed' },
    );
    expect(listener.heard[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ada:p@ss-w0rd').toString('base64')}`);
    expect(bodyOf()).toMatchObject({ topic: 'topic', priority: 3 });
    expect(bodyOf()).not.toHaveProperty('click');
  });

  it('cuts a message that would become an attachment, between characters', async () => {
    await room().tell(ntfy('/topic'), { ...MESSAGE, text: 'ق'.repeat(3_000) });
    const { message } = bodyOf() as { readonly message: string };
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(3_900);
    expect(message).toMatch(/^ق+…$/);
  });

  it('refuses an address without a topic', async () => {
    await expect(room().tell(ntfy('/'), MESSAGE)).resolves.toMatchObject({ kind: 'failed', again: false });
    expect(listener.heard).toEqual([]);
  });
});

describe('a Slack-compatible webhook', () => {
  it('is told with the command to reply, and cannot be made to mention anybody', async () => {
    const target: NoticeTarget = { kind: 'slack', url: `${listener.url}/services/T0/B0/x` };
    await expect(room().tell(target, MESSAGE)).resolves.toMatchObject({ kind: 'told' });
    const { text } = bodyOf() as { readonly text: string };
    expect(text).toContain('`tasks answer 7fk2000000@1 "…"`');
    expect(text).toContain('&lt;!channel&gt; &amp; ');
    expect(text.match(/<[^>]*>/g)).toEqual([`<${MESSAGE.url ?? ''}|Temporal Web UI>`]);
  });
});

describe('a webhook', () => {
  it('is sent the whole notice, signed over its time and body', async () => {
    await expect(room().tell(hook({ secret: SECRET }), MESSAGE)).resolves.toMatchObject({ kind: 'told' });
    const [heard] = listener.heard;
    expect(JSON.parse(heard?.body ?? '')).toEqual(MESSAGE);
    const timestamp = String(heard?.headers['x-tributary-timestamp']);
    expect(Math.abs(Number(timestamp) - Date.now() / 1_000)).toBeLessThan(60);
    const signature = createHmac('sha256', SECRET)
      .update(`${timestamp}.${heard?.body ?? ''}`)
      .digest('hex');
    expect(heard?.headers).toMatchObject({
      'x-tributary-signature': `sha256=${signature}`,
      'x-tributary-event': 'asks',
      'x-tributary-delivery': MESSAGE.id,
    });
  });

  it('without a secret is not signed', async () => {
    await room().tell(hook(), MESSAGE);
    expect(listener.heard[0]?.headers).not.toHaveProperty('x-tributary-signature');
  });

  it.each([
    [500, true],
    [503, true],
    [429, true],
    [408, true],
    [400, false],
    [401, false],
    [404, false],
  ])('that answers %i is tried again: %s', async (status, again) => {
    listener.reply = (response) => void response.writeHead(status).end('because\nof that');
    await expect(room().tell(hook(), MESSAGE)).resolves.toEqual({
      kind: 'failed',
      message: `answered HTTP ${status}: because`,
      again,
      afterMs: null,
    });
  });

  it('that asks for time gets it, but not for ever', async () => {
    listener.reply = (response) => void response.writeHead(429, { 'retry-after': '30' }).end();
    await expect(room().tell(hook(), MESSAGE)).resolves.toMatchObject({ afterMs: 30_000 });
    listener.reply = (response) => void response.writeHead(429, { 'retry-after': '999999' }).end();
    await expect(room().tell(hook(), MESSAGE)).resolves.toMatchObject({ afterMs: 3_600_000 });
    listener.reply = (response) => void response.writeHead(429, { 'retry-after': 'tomorrow' }).end();
    await expect(room().tell(hook(), MESSAGE)).resolves.toMatchObject({ afterMs: null });
  });

  it('that redirects is not followed: nobody would be told', async () => {
    listener.reply = (response) => void response.writeHead(302, { location: `${listener.url}/elsewhere` }).end();
    await expect(room().tell(hook(), MESSAGE)).resolves.toMatchObject({
      kind: 'failed',
      message: 'answered HTTP 302; give the address that it redirects to',
      again: false,
    });
    expect(listener.heard.map(({ path }) => path)).toEqual(['/hook']);
  });

  it('that never answers is given up in time, as is one that never ends its answer', async () => {
    const late = { kind: 'failed', message: `did not answer within ${SHORT_MS} ms`, again: true, afterMs: null };
    listener.reply = () => undefined;
    await expect(room(SHORT_MS).tell(hook(), MESSAGE)).resolves.toEqual(late);
    listener.reply = (response) => void response.writeHead(500).write('well');
    await expect(room(SHORT_MS).tell(hook(), MESSAGE)).resolves.toEqual(late);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['never ends its answer', (response) => void response.writeHead(200).write('{"ok":')],
    ['breaks its answer off', (response) => void response.writeHead(201).write('{', () => response.destroy())],
  ])('that has taken a notice and %s was told, and is told no more', async (_what, reply) => {
    listener.reply = reply;
    await expect(room().tell(hook(), MESSAGE)).resolves.toMatchObject({ kind: 'told' });
    expect(listener.heard).toHaveLength(1);
  });

  it('that answers without an end of it is left after its beginning', async () => {
    listener.reply = (response) => {
      const more = (): void => {
        if (response.write('x'.repeat(1_000))) setImmediate(more);
        else response.once('drain', more);
      };
      response.writeHead(500);
      more();
    };
    await expect(room().tell(hook(), MESSAGE)).resolves.toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/^answered HTTP 500: x{299}…$/),
    });
  });

  it('that nobody serves cannot be reached, and the reason is told', async () => {
    const gone = await listen();
    await gone.close();
    await expect(room().tell(hook({ url: `${gone.url}/hook` }), MESSAGE)).resolves.toEqual({
      kind: 'failed',
      message: 'cannot be reached: ECONNREFUSED',
      again: true,
      afterMs: null,
    });
  });
});

describe('what is said of a target', () => {
  it.each<[string, (url: string) => NoticeTarget, readonly string[]]>([
    ['a token', (url) => ({ kind: 'ntfy', url: `${url}/topic-of-mine`, token: TOKEN }), [TOKEN, 'topic-of-mine']],
    [
      'the path of a Slack address',
      (url) => ({ kind: 'slack', url: `${url}/services/T00000000/XXXXYYYYZZZZ` }),
      ['XXXXYYYYZZZZ', 'T00000000'],
    ],
    [
      'a key in a query',
      (url) => ({ kind: 'webhook', url: `${url}/hook?key=0123456789`, secret: SECRET }),
      ['0123456789', SECRET],
    ],
    [
      'a password',
      (url) => ({ kind: 'webhook', url: `${url.replace('://', `://ada:${PASSWORD}@`)}/hook`, secret: null }),
      [PASSWORD, 'p@ss-w0rd', Buffer.from('ada:p@ss-w0rd').toString('base64')],
    ],
  ])('never has %s, whatever the target repeats', async (_, make, secrets) => {
    const target = make(listener.url);
    listener.reply = (response, { path, headers, body }) =>
      void response
        .writeHead(500)
        .end(`${path} ${headers.authorization ?? ''} ${secrets.join(' ')} ${body.slice(0, 20)}`);
    const told = await room().tell(target, MESSAGE);
    expect(told).toMatchObject({ kind: 'failed', message: expect.stringContaining('answered HTTP 500: ') });
    for (const secret of secrets) expect(JSON.stringify(told)).not.toContain(secret);
  });
});
