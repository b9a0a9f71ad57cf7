/** The shape of `notify` in tasks.yaml and host.yaml, and of `targets` in host.yaml, whose secrets no error repeats (N10). */

import { z } from 'zod';
import { parseQuiet } from '../core/notice.ts';
import type { NoticeTarget, NoticeTargets } from '../core/notice-types.ts';
import { NOTICE_KINDS, type NotifyRule } from '../core/task-types.ts';
import { closed, must, mustQuietly } from './explain.ts';

const TARGET_NAME = /^[a-z0-9][a-z0-9._-]{0,39}$/;
const MAX_RULES = 20;
const MAX_ADDRESSES = 20;

const rule = closed(
  {
    to: z
      .string({ error: mustQuietly("the name of a target in the host's host.yaml", 'to: phone') })
      .regex(TARGET_NAME, {
        error:
          "must be the name of a target: 1 to 40 of a-z, 0-9, ., _ and -; what it is belongs into each host's host.yaml, under targets",
      })
      .meta({ description: 'The name of a target in host.yaml of the hosts that run workers.', examples: ['phone'] }),
    events: z
      .array(z.enum(NOTICE_KINDS, { error: must(`one of ${NOTICE_KINDS.join(', ')}`, 'events: [asks, failed]') }), {
        error: must('a list of events', 'events: [asks, failed]'),
      })
      .min(1, { error: must('a list with at least one event', 'events: [asks, failed]') })
      .meta({
        description:
          'asks (a question or a proposal, its reminders, its escalation), failed, landed, stalled (an attempt that gave no output was ended), parked (waits for a person after failing, or for somebody to make landing possible), conflicts (what landed conflicts with the work of a task that waits for a person), queue (landing has stopped for a red or rewritten main, goes on, is refused by the origin, or is slow). All when left out.',
        examples: [['asks', 'failed', 'parked']],
      })
      .optional(),
    quiet: z
      .string({ error: must('quiet hours in quotes', 'quiet: "22:00-07:00"') })
      .superRefine((text, context) => {
        const parsed = parseQuiet(text);
        if (parsed.kind === 'invalid') context.addIssue({ code: 'custom', message: parsed.message });
      })
      .meta({
        description:
          'What happens between these hours, by the clock of the host that sends, is told at their end, unless it is settled by then.',
        examples: ['22:00-07:00'],
        pattern: '^([01]\\d|2[0-3]):[0-5]\\d-([01]\\d|2[0-3]):[0-5]\\d$',
      })
      .optional(),
  },
  'a map with to',
  '{to: phone, events: [asks, failed]}',
).meta({ title: 'Notice rule' });

export const notifyRules = z
  .array(rule, { error: must('a list of rules', 'notify: [{to: phone, events: [asks, failed]}]') })
  .max(MAX_RULES, { error: `must be at most ${MAX_RULES} rules; put several events into one` });

export function completeRules(rules: z.infer<typeof notifyRules> | null | undefined): readonly NotifyRule[] {
  return (rules ?? []).map(({ to, events, quiet }) => {
    const parsed = quiet === undefined ? null : parseQuiet(quiet);
    return { to, events: events ?? NOTICE_KINDS, quiet: parsed?.kind === 'ok' ? parsed.value : null };
  });
}

const address = (be: string, protocols: readonly string[], example: string): z.ZodString =>
  z.string({ error: mustQuietly(be, example) }).refine(
    (text) => {
      try {
        const url = new URL(text);
        return protocols.includes(url.protocol) && url.hostname !== '';
      } catch {
        return false;
      }
    },
    { error: `must be ${be}; write for example ${example}` },
  );

const HTTP = ['http:', 'https:'];
const secret = (be: string, example: string): z.ZodString =>
  z
    .string({ error: mustQuietly(be, example) })
    .regex(/^[\x21-\x7e]+$/, { error: `must be ${be}, without spaces; write for example ${example}` });
const mailbox = (example: string): z.ZodString =>
  z
    .string({ error: must('an e-mail address', example) })
    .regex(/^[^\r\n,;]*[^\s<>@,;]+@[^\s<>@,;]+>?$/, { error: must('an e-mail address', example) });

const part = z
  .string({ error: mustQuietly('a text', '"{title}"') })
  .refine((text) => !text.includes('\0'), { error: 'has a NUL character; remove it' });

/** Each kind by the key that says where, with the keys that belong to it. */
const KEYS_OF = { ntfy: ['token'], slack: [], webhook: ['secret'], smtp: ['from', 'to'], command: [] } as const;
const KINDS = ['ntfy', 'slack', 'webhook', 'smtp', 'command'] as const;
const NEEDED: readonly string[] = ['from', 'to'];
const BE = `a map with one of ${KINDS.join(', ')}`;
const EXAMPLE = '{ntfy: https://ntfy.sh/my-topic}';

const target = closed(
  {
    ntfy: address('the address of a topic', HTTP, 'ntfy: https://ntfy.sh/my-topic')
      .refine((text) => URL.canParse(text) && new URL(text).pathname.length > 1, {
        error: 'has no topic; write for example ntfy: https://ntfy.sh/my-topic',
      })
      .meta({ description: 'ntfy: the address of a topic.', examples: ['https://ntfy.sh/my-topic'] })
      .optional(),
    token: secret('an access token', 'token: tk_…')
      .meta({ description: 'With ntfy: an access token.', examples: ['tk_…'] })
      .optional(),
    slack: address('the address of an incoming webhook', HTTP, 'slack: https://hooks.slack.com/services/…')
      .meta({
        description: 'Slack, or what takes the same: the address of an incoming webhook.',
        examples: ['https://hooks.slack.com/services/…'],
      })
      .optional(),
    webhook: address('an http or https address', HTTP, 'webhook: https://example.com/hook')
      .meta({
        description: 'JSON by POST: id, event, project, task, title, text, commands, url, at.',
        examples: ['https://example.com/hook'],
      })
      .optional(),
    secret: secret('a key of at least 16 characters', 'secret: …')
      .min(16, { error: 'must be a key of at least 16 characters; make one with: openssl rand -hex 32' })
      .meta({
        description:
          'With webhook: signs it. `x-tributary-signature` is `sha256=` and the hexadecimal HMAC-SHA256 of `x-tributary-timestamp`, a dot and the body.',
      })
      .optional(),
    smtp: address(
      'the address of a mail server',
      ['smtp:', 'smtps:'],
      'smtp: smtp://user:password@mail.example.com:587',
    )
      .meta({
        description: 'E-mail: the server, smtp: (with STARTTLS where it has it) or smtps:.',
        examples: ['smtp://user:password@mail.example.com:587'],
      })
      .optional(),
    from: mailbox('from: tributary@example.com')
      .meta({ description: 'With smtp: the sender.', examples: ['Tributary <tributary@example.com>'] })
      .optional(),
    to: z
      .union(
        [
          mailbox('to: ada@example.com'),
          z
            .array(mailbox('to: [ada@example.com]'), { error: must('e-mail addresses', 'to: [ada@example.com]') })
            .min(1, { error: must('at least one e-mail address', 'to: [ada@example.com]') })
            .max(MAX_ADDRESSES, {
              error: `must be at most ${MAX_ADDRESSES} addresses; use a list of your mail server`,
            }),
        ],
        { error: must('an e-mail address or a list of them', 'to: ada@example.com') },
      )
      .meta({ description: 'With smtp: one address or a list.', examples: ['ada@example.com'] })
      .optional(),
    command: z
      .array(part, {
        error: mustQuietly('a list: the program and its arguments', '[notify-send, "{title}", "{text}"]'),
      })
      .min(1, { error: mustQuietly('a list with at least the program', '[notify-send, "{title}", "{text}"]') })
      .refine(([program]) => program === undefined || program.trim() !== '', {
        error: 'names no program; put it first',
      })
      .meta({
        description:
          "A program and its arguments, run without a shell in the worker's environment. {title} {text} {id} {event} {project} {task} {command} {url} {at} are filled in.",
        examples: [['notify-send', '{title}', '{text}']],
      })
      .optional(),
  },
  BE,
  EXAMPLE,
  mustQuietly(BE, EXAMPLE),
)
  .superRefine((given, context) => {
    const wrong = (message: string): void => context.addIssue({ code: 'custom', message });
    const [kind, second] = KINDS.filter((each) => given[each] !== undefined);
    if (kind === undefined) return wrong(`says nothing about where; give ${BE}, such as ${EXAMPLE}`);
    if (second !== undefined) return wrong(`has both ${kind} and ${second}; make two targets of it`);
    const own: readonly string[] = KEYS_OF[kind];
    const stray = Object.keys(given).find((key) => key !== kind && !own.includes(key));
    if (stray !== undefined) return wrong(`has ${stray}, which is not for ${kind}; remove it`);
    const missing = own.find((key) => NEEDED.includes(key) && !Object.hasOwn(given, key));
    if (missing !== undefined) wrong(`has ${kind} without ${missing}; add ${missing}: ada@example.com`);
  })
  .meta({ title: 'Target' });

export const targets = z.record(z.string().regex(TARGET_NAME), target, {
  error: (issue) =>
    issue.code === 'invalid_key'
      ? 'has a name that is none for a target; use 1 to 40 of a-z, 0-9, ., _ and -'
      : mustQuietly('a map of names to targets', 'targets: {phone: {ntfy: https://ntfy.sh/my-topic}}')(issue),
});

export function completeTargets(given: z.infer<typeof targets> | null | undefined): NoticeTargets {
  return Object.fromEntries(Object.entries(given ?? {}).map(([name, each]) => [name, completeTarget(each)]));
}

function completeTarget(given: z.infer<typeof target>): NoticeTarget {
  const { ntfy, slack, webhook, smtp, command, from = '', to = [] } = given;
  if (ntfy !== undefined) return { kind: 'ntfy', url: ntfy, token: given.token ?? null };
  if (slack !== undefined) return { kind: 'slack', url: slack };
  if (webhook !== undefined) return { kind: 'webhook', url: webhook, secret: given.secret ?? null };
  if (smtp !== undefined) return { kind: 'smtp', url: smtp, from, to: typeof to === 'string' ? [to] : to };
  return { kind: 'command', command: command ?? [] };
}
