/** The shapes of what host.yaml says of workspaces: how many, their ports, and where checkouts lie; with the defaults. */

import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import type { Parsed } from '../core/parsed.ts';
import type { PortPlan } from '../core/ports.ts';
import type { WorkspaceCaps } from '../core/relief.ts';
import { closed, must } from './explain.ts';
import { count, duration } from './schema-parts.ts';
import { parseSize } from './size.ts';

const MOST_PORT = 65_535;
const PORTS: PortPlan = { base: 20_000, each: 10, ranges: 1_000 };
const COUNT = 250;
const KEPT = '7d';

export interface WorkspaceSettings extends WorkspaceCaps {
  /** How long the workspace of a task stays that ended without landing, in milliseconds. */
  readonly keptMs: number;
}

export const workspaces = closed(
  {
    count: count('Workspaces at a time.', 1, 100_000, COUNT),
    size: z
      .string({ error: must('an amount', '100GiB') })
      .refine((text) => parseSize(text).kind === 'ok', { error: must('an amount', '100GiB') })
      .meta({ description: 'What they may take of the disk together; no limit when left out.', examples: ['100GiB'] })
      .optional(),
    keep: duration(
      'How long the workspace of a task stays that failed, was rejected or canceled; then it goes, if its work is stored on the origin.',
      KEPT,
    ),
  },
  'a map of count, size, keep',
  'workspaces: {count: 100, size: 100GiB}',
)
  .meta({
    description:
      'How much the workspaces of tasks may take on this machine. Beyond that, and when its disk runs short, those go whose tasks wait, ended or are in line for landing, once all their work is stored; a task that goes on gets its own again. What runs is never touched.',
    examples: [{ count: 100, size: '100GiB', keep: '3d' }],
  })
  .nullish();

export const ports = closed(
  {
    base: count('The first port of the first range.', 1_024, MOST_PORT, PORTS.base),
    each: count('Ports of a workspace.', 1, 1_000, PORTS.each),
    ranges: count('How many ranges there are.', 1, 10_000, PORTS.ranges),
  },
  'a map of base, each, ranges',
  'ports: {base: 20000, each: 10}',
)
  .refine((given) => lastPort(complete(given)) <= MOST_PORT, {
    error: `must end at port ${MOST_PORT} at the latest; write for example {base: 20000, each: 10, ranges: 1000}`,
  })
  .meta({
    description:
      'The ports that workspaces lease on this machine, a range each, which no other workspace has as long as it is there. Keep them out of the range from which the system gives ports by itself (32768 and above, on Linux).',
    examples: [{ base: 20_000, each: 10, ranges: 1_000 }],
  })
  .nullish();

export const checkouts = z
  .record(
    z.string(),
    z
      .string({ error: must('an absolute path', 'checkouts: {shop: /home/ada/shop}') })
      .regex(/^\/[^\0\n]+$/, { error: must('an absolute path', 'checkouts: {shop: /home/ada/shop}') }),
    { error: must('a map of projects to paths', 'checkouts: {shop: /home/ada/shop}') },
  )
  .meta({
    description:
      'Where this machine has a checkout of a project, by its name: what its .worktreeinclude names is copied from there into each workspace. Not needed where the origin itself is a checkout on this machine.',
    examples: [{ shop: '/home/ada/shop' }],
  })
  .nullish();

export function completeWorkspaces(given: z.infer<typeof workspaces>): WorkspaceSettings {
  return {
    count: given?.count ?? COUNT,
    bytes: given?.size === undefined ? Infinity : valueOf(parseSize(given.size), Infinity),
    keptMs: valueOf(parseDuration(given?.keep ?? KEPT), Infinity),
  };
}

export function completePorts(given: z.infer<typeof ports>): PortPlan {
  return complete(given ?? {});
}

function complete(given: { readonly [Key in keyof PortPlan]?: number | undefined }): PortPlan {
  return { base: given.base ?? PORTS.base, each: given.each ?? PORTS.each, ranges: given.ranges ?? PORTS.ranges };
}

function lastPort({ base, each, ranges }: PortPlan): number {
  return base + each * ranges - 1;
}

/** The schema has checked it. */
function valueOf(parsed: Parsed<number>, otherwise: number): number {
  return parsed.kind === 'ok' ? parsed.value : otherwise;
}
