/** How host.yaml names a secret: where it is, never what it is (N10). */

import { z } from 'zod';
import { mustQuietly } from './explain.ts';

const error = mustQuietly('env:NAME, file:/PATH or command:…', 'from: file:/run/secrets/key');

export const secretReference = (description: string): z.ZodString =>
  z
    .string({ error })
    .regex(/^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:\/.+|command:.+)$/, { error })
    .meta({ description });
