/** Every migration, oldest first. One that was released is never changed: the next one mends it. */

import { migration as tasks } from './0001-tasks.ts';
import { migration as logsAndArtifacts } from './0002-logs-and-artifacts.ts';
import { migration as projectsAndVerdicts } from './0003-projects-and-verdicts.ts';
import { migration as asks } from './0004-asks.ts';
import { migration as flakes } from './0005-flakes.ts';
import { migration as radar } from './0006-radar.ts';

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

export const MIGRATIONS: readonly Migration[] = [tasks, logsAndArtifacts, projectsAndVerdicts, asks, flakes, radar];
