/** The shapes of `sandbox`, `network` and `protected` in tasks.yaml. */

import { z } from 'zod';
import { SANDBOX_MODES } from '../core/project.ts';
import { closed, must } from './explain.ts';

const HOST_NAME =
  /^(?:\*|(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::\d{1,5})?|\[[0-9a-fA-F:]+\](?::\d{1,5})?)$/;

const host = z
  .string({ error: must('the name of a host', 'packages.example.com') })
  .regex(HOST_NAME, { error: must('the name of a host, without http:// and path', 'packages.example.com') });

export const network = (what: string): z.ZodOptional<z.ZodType<'none' | 'full' | 'host' | string[]>> =>
  z
    .union([z.enum(['none', 'full', 'host']), z.array(host).min(1).max(200)], {
      error: must('none, full, host, or a list of hosts', 'network: [packages.example.com, "*.example.com:443"]'),
    })
    .meta({ description: what, examples: ['none', 'full', ['packages.example.com']] })
    .optional();

export const sandbox = z
  .enum(SANDBOX_MODES, { error: must('required, preferred or off', 'sandbox: preferred') })
  .meta({
    description:
      'required: nothing runs without a sandbox (bubblewrap, on Linux). preferred: with one where the host can make one, and a warning where not. off: never. preferred when left out; a host can be stricter.',
    examples: ['required'],
  })
  .optional();

export const networks = closed(
  {
    agents: network('Of agents and shell tasks; full when left out.'),
    setup: network('Of set-up; full when left out.'),
    gate: network('Of the gate; none when left out.'),
  },
  'a map of agents, setup, gate',
  '{gate: none}',
).meta({
  title: 'Network',
  description:
    "What confined processes reach. none: only themselves. full: every public address, by the worker's HTTP proxy. A list of hosts: these, by the same proxy, private ones too. host: the host's own network, with all that listens on it.",
  examples: [{ agents: ['api.anthropic.com'], gate: 'none' }],
});

export const protectedPaths = z
  .array(
    z
      .string({ error: must('a path', 'protected: [scripts/]') })
      .regex(/^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[^\0\n]{1,200}$/, {
        error: must('a path from the top of the repository, a folder with / at its end', 'protected: [scripts/]'),
      }),
    { error: must('a list of paths', 'protected: [scripts/, jest.config.js]') },
  )
  .max(200, { error: must('a list of at most 200 paths', 'protected: [scripts/]') })
  .meta({
    title: 'Protected paths',
    description:
      "Files and folders (with / at the end, or with * in a name) whose change waits for a person's approval before it lands, beside tasks.yaml, .worktreeinclude, the files that the gate's commands name and the scripts that they run.",
    examples: [['jest.config.js', 'scripts/']],
  });
