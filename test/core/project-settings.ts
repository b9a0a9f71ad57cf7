/** A project's settings, by what its tasks.yaml says beside its name and branch. */

import { parseProjectFile } from '../../src/config/project-file.ts';
import type { ProjectSettings } from '../../src/core/project.ts';

export function settingsOf(text: string): ProjectSettings {
  const parsed = parseProjectFile(`project: a\nbranch: main\n${text}\n`);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
}
