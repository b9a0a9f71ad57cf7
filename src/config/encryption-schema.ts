/** The shape of host.yaml's part about encryption, and what it comes to. */

import { z } from 'zod';
import { closed, must } from './explain.ts';
import { secretReference } from './secret-reference.ts';

const keyId = z
  .string({ error: must('1 to 64 letters, digits, dots, - and _', 'id: 2026-11') })
  .regex(/^[A-Za-z0-9._-]{1,64}$/, { error: must('1 to 64 letters, digits, dots, - and _', 'id: 2026-11') })
  .meta({ description: 'Its name, written beside each payload that it has encrypted.', examples: ['2026-11'] });

const keys = z
  .array(
    closed(
      {
        id: keyId,
        from: secretReference('env:NAME of the process, file:/PATH, or command:… whose output it is.'),
      },
      'a map with id and from',
      '{id: 2026-11, from: file:/etc/tributary/payloads.key}',
    ),
    { error: must('a list of keys', 'keys: [{id: 2026-11, from: file:/etc/tributary/payloads.key}]') },
  )
  .min(1, { error: must('at least one key', 'keys: [{id: 2026-11, from: file:/etc/tributary/payloads.key}]') })
  .refine((list) => new Set(list.map(({ id }) => id)).size === list.length, {
    error: 'has two keys with one id; give each key its own',
  })
  .meta({
    description: 'The first encrypts, all decrypt: a new one goes to the front, the old one stays behind it.',
    examples: [[{ id: '2026-11', from: 'file:/etc/tributary/payloads.key' }]],
  });

export const encryption = closed(
  {
    keys,
    encrypt: z
      .boolean({ error: must('true or false', 'encrypt: false') })
      .meta({
        description:
          'false: what is encrypted is read, and nothing is encrypted; for the time in which not all hosts have the key yet. true when left out.',
        examples: [false],
      })
      .optional(),
  },
  'a map with keys',
  'encryption: {keys: [{id: 2026-11, from: file:/etc/tributary/payloads.key}]}',
);

/** How the payloads that Temporal keeps are encrypted; keys are references still. */
export interface Encryption {
  readonly encrypts: boolean;
  readonly keys: readonly { readonly id: string; readonly from: string }[];
}

export function completeEncryption(given: z.infer<typeof encryption> | null | undefined): Encryption | null {
  return given == null ? null : { encrypts: given.encrypt ?? true, keys: given.keys };
}
