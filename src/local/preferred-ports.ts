/**
 * Which ports a stack would like: those of the last time, so that bookmarks and open terminals find it again, else the usual ones.
 * None that another living stack of this machine has: while one of its servers is down for a moment its port is free, and whoever
 * took it would be given that stack's tasks.
 */

import { homePaths, readIfThere } from './home.ts';
import { taggedHomes } from './processes.ts';
import type { SuperviseRequest } from './supervisor-types.ts';

export interface StackPorts {
  readonly temporal: number | null;
  readonly ui: number | null;
  readonly postgres: number | null;
}

const NONE: StackPorts = { temporal: null, ui: null, postgres: null };

/** Null: any port will do. */
export async function preferredPorts(home: string, parts: SuperviseRequest['parts']): Promise<StackPorts> {
  const [last, taken] = await Promise.all([readPorts(home), portsOfOthers(home)]);
  const { temporal, postgres } = parts;
  const own = (port: number | null): number | null => (port !== null && taken.has(port) ? null : port);
  return {
    temporal: own(last.temporal ?? (temporal.kind === 'embedded' ? temporal.preferredPort : null)),
    ui: own(last.ui ?? (temporal.kind === 'embedded' ? temporal.preferredUiPort : null)),
    postgres: own(last.postgres ?? (postgres.kind === 'embedded' ? postgres.preferredPort : null)),
  };
}

async function portsOfOthers(home: string): Promise<ReadonlySet<number>> {
  const homes = (await taggedHomes()).filter((other) => other !== home);
  const ports = await Promise.all(homes.map((other) => readPorts(other).catch(() => NONE)));
  return new Set(ports.flatMap((each) => Object.values(each).filter((port): port is number => port !== null)));
}

async function readPorts(home: string): Promise<StackPorts> {
  const text = await readIfThere(homePaths(home).ports);
  if (text === null) return NONE;
  try {
    return { ...NONE, ...(JSON.parse(text) as Partial<StackPorts>) };
  } catch {
    // Half-written: the usual ports will do.
    return NONE;
  }
}
