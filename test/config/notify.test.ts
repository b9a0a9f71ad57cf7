import { describe, expect, it } from '@jest/globals';
import { parseHostFile } from '../../src/config/host-file.ts';
import { parseProjectFile } from '../../src/config/project-file.ts';
import { NOTICE_KINDS } from '../../src/core/task-types.ts';

const PROJECT = 'project: demo\nbranch: main\ngate: npm test\n';
const SECRET = 'hush-0123456789-hush';

function rules(notify: string): unknown {
  const parsed = parseProjectFile(`${PROJECT}notify: ${notify}\n`);
  return parsed.kind === 'ok' ? parsed.value.policy.notify : parsed.message;
}

function targets(text: string): unknown {
  const parsed = parseHostFile(`targets: ${text}\n`);
  return parsed.kind === 'ok' ? parsed.value.targets : parsed.message;
}

describe('notify in tasks.yaml', () => {
  it('is nobody when it is left out', () => {
    expect(parseProjectFile(PROJECT)).toMatchObject({ value: { policy: { notify: [] } } });
    expect(rules('')).toEqual([]);
  });

  it('says whom to tell, of what, and when not', () => {
    expect(rules('[{to: phone}, {to: mail, events: [failed, landed], quiet: "22:00-07:00"}]')).toEqual([
      { to: 'phone', events: NOTICE_KINDS, quiet: null },
      { to: 'mail', events: ['failed', 'landed'], quiet: { fromMinute: 1_320, toMinute: 420 } },
    ]);
  });

  it.each([
    [
      'phone',
      'tasks.yaml: notify: must be a list of rules, not "phone"; write for example notify: [{to: phone, events: [asks, failed]}]',
    ],
    [
      '[phone]',
      'tasks.yaml: notify.0: must be a map with to, not "phone"; write for example {to: phone, events: [asks, failed]}',
    ],
    [
      '[{events: [asks]}]',
      "tasks.yaml: notify.0.to: is missing; add the name of a target in the host's host.yaml, such as to: phone",
    ],
    [
      `[{to: "https://hooks.test/${SECRET}"}]`,
      "tasks.yaml: notify.0.to: must be the name of a target: 1 to 40 of a-z, 0-9, ., _ and -; what it is belongs into each host's host.yaml, under targets",
    ],
    [
      '[{to: phone, events: [ask]}]',
      'tasks.yaml: notify.0.events.0: must be one of asks, failed, landed, stalled, parked, conflicts, queue, not "ask"; write for example events: [asks, failed]',
    ],
    [
      '[{to: phone, events: []}]',
      'tasks.yaml: notify.0.events: must be a list with at least one event, not an empty list; write for example events: [asks, failed]',
    ],
    [
      '[{to: phone, quiet: 22-7}]',
      'tasks.yaml: notify.0.quiet: "22-7" are no quiet hours; write for example "22:00-07:00"',
    ],
    ['[{to: phone, when: night}]', 'tasks.yaml: notify.0: "when" is no key here (the keys are to, events, quiet)'],
  ])('%s is refused with the key and the fix', (text, message) => {
    const said = rules(text);
    expect(said).toEqual(expect.stringContaining(message));
    expect(said).not.toContain(SECRET);
  });
});

describe('targets in host.yaml', () => {
  it('are of five kinds', () => {
    expect(
      targets(
        [
          '',
          `  phone: {ntfy: "https://ntfy.sh/my-topic", token: ${SECRET}}`,
          '  team: {slack: "https://hooks.slack.test/services/x"}',
          `  hook: {webhook: "http://127.0.0.1:9/x", secret: ${SECRET}}`,
          '  mail: {smtp: "smtp://me:word@mail.test:587", from: Tributary <t@mail.test>, to: ada@mail.test}',
          '  mails: {smtp: "smtps://mail.test", from: t@mail.test, to: [ada@mail.test, bob@mail.test]}',
          '  desk: {command: [notify-send, "{title}"]}',
        ].join('\n'),
      ),
    ).toEqual({
      phone: { kind: 'ntfy', url: 'https://ntfy.sh/my-topic', token: SECRET },
      team: { kind: 'slack', url: 'https://hooks.slack.test/services/x' },
      hook: { kind: 'webhook', url: 'http://127.0.0.1:9/x', secret: SECRET },
      mail: {
        kind: 'smtp',
        url: 'smtp://me:word@mail.test:587',
        from: 'Tributary <t@mail.test>',
        to: ['ada@mail.test'],
      },
      mails: { kind: 'smtp', url: 'smtps://mail.test', from: 't@mail.test', to: ['ada@mail.test', 'bob@mail.test'] },
      desk: { kind: 'command', command: ['notify-send', '{title}'] },
    });
    expect(targets('')).toEqual({});
  });

  it.each([
    [
      `https://hooks.test/${SECRET}`,
      'host.yaml: targets: must be a map of names to targets; write for example targets: {phone: {ntfy: https://ntfy.sh/my-topic}}',
    ],
    [
      `{phone: "https://ntfy.sh/${SECRET}"}`,
      'host.yaml: targets.phone: must be a map with one of ntfy, slack, webhook, smtp, command; write for example {ntfy: https://ntfy.sh/my-topic}',
    ],
    ['{phone: {}}', 'host.yaml: targets.phone: says nothing about where; give a map with one of'],
    ['{My Phone: {ntfy: "https://ntfy.sh/x"}}', 'has a name that is none for a target; use 1 to 40 of a-z'],
    ['{phone: {ntfy: "https://ntfy.sh/"}}', 'host.yaml: targets.phone.ntfy: has no topic'],
    [
      `{phone: {ntfy: ${SECRET}}}`,
      'host.yaml: targets.phone.ntfy: must be the address of a topic; write for example ntfy: https://ntfy.sh/my-topic',
    ],
    [
      `{phone: {slack: "ftp://x/${SECRET}"}}`,
      'host.yaml: targets.phone.slack: must be the address of an incoming webhook',
    ],
    [
      `{phone: {webhook: "http://x/", secret: short}}`,
      'host.yaml: targets.phone.secret: must be a key of at least 16 characters; make one with: openssl rand -hex 32',
    ],
    [`{phone: {webhook: "http://x/", secret: "${SECRET} x"}}`, 'host.yaml: targets.phone.secret: must be a key'],
    [`{phone: {smtp: "http://me:${SECRET}@x"}}`, 'host.yaml: targets.phone.smtp: must be the address of a mail server'],
    [
      '{phone: {smtp: "smtp://x", from: a@b.test}}',
      'host.yaml: targets.phone: has smtp without to; add to: ada@example.com',
    ],
    [
      '{phone: {smtp: "smtp://x", from: nobody, to: a@b.test}}',
      'host.yaml: targets.phone.from: must be an e-mail address, not "nobody"',
    ],
    ['{phone: {smtp: "smtp://x", from: a@b.test, to: []}}', 'host.yaml: targets.phone.to: must be'],
    [
      '{phone: {smtp: "smtp://x", from: "a@b.test", to: "a@b.test, c@d.test"}}',
      'host.yaml: targets.phone.to: must be an e-mail address',
    ],
    [
      '{phone: {ntfy: "https://ntfy.sh/x", slack: "https://y/z"}}',
      'host.yaml: targets.phone: has both ntfy and slack; make two targets of it',
    ],
    [
      `{phone: {slack: "https://y/z", token: ${SECRET}}}`,
      'host.yaml: targets.phone: has token, which is not for slack; remove it',
    ],
    ['{phone: {command: []}}', 'host.yaml: targets.phone.command: must be a list with at least the program'],
    ['{phone: {command: [" "]}}', 'host.yaml: targets.phone.command: names no program; put it first'],
    [
      `{phone: {command: "notify ${SECRET}"}}`,
      'host.yaml: targets.phone.command: must be a list: the program and its arguments',
    ],
    ['{phone: {nfty: "https://ntfy.sh/x"}}', '"nfty" is no key here; did you mean ntfy?'],
  ])('%s is refused with the key and the fix, and no secret is repeated', (text, message) => {
    const said = targets(text);
    expect(said).toEqual(expect.stringContaining(message));
    expect(said).not.toContain(SECRET);
  });

  it('are those that the host’s own rules name', () => {
    expect(
      parseHostFile('targets: {phone: {ntfy: "https://ntfy.sh/x"}}\nnotify: [{to: phone, events: [asks]}]\n'),
    ).toMatchObject({
      value: { notify: [{ to: 'phone', events: ['asks'], quiet: null }] },
    });
    expect(parseHostFile('notify: [{to: phone}]\n')).toEqual({
      kind: 'invalid',
      message: 'host.yaml: notify.0.to: "phone" is no target: there is none; add it under targets',
    });
  });

  it('have links to where the Temporal Web UI is', () => {
    expect(parseHostFile('ui: https://temporal.example.com\n')).toMatchObject({
      value: { ui: 'https://temporal.example.com' },
    });
    const refused = parseHostFile(`ui: https://me:${SECRET}@temporal.example.com\n`);
    expect(refused).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('host.yaml: ui: must be an http or https address'),
    });
    expect(JSON.stringify(refused)).not.toContain(SECRET);
  });
});
