/** Whether git that looks at what agents leave can be held here: tried as a worker tries it when it starts. */

import { existsSync } from 'node:fs';
import { readHostFile } from '../../config/host-file.ts';
import { seenBySandboxes } from '../../config/seen-by-sandboxes.ts';
import { confineBy, whyNotConfined } from '../../git/room.ts';
import { tryConfined } from '../../process/confined-command.ts';
import { fine, warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';

const NAME = 'held git';
const FIX =
  'install git where the system has its programs, or name the folders that it needs under read: in host.yaml, and start the worker again';

/** @param bwrapPath the program; left out: it is looked for as a worker does */
export async function checkHeldGit({ environment }: Session, bwrapPath?: string): Promise<readonly Check[]> {
  const host = await readHostFile(environment.home);
  // What is the matter with either is told by itself.
  if (host.kind === 'invalid' || !existsSync(environment.home)) return [];
  const confined = await tryConfined(bwrapPath);
  const why =
    typeof confined === 'function'
      ? await whyNotConfined({
          home: environment.home,
          processHome: environment.userHome,
          personal: { env: environment.all },
          confine: confineBy(confined, seenBySandboxes(host.value, environment)),
        })
      : confined.why;
  return [
    why === null
      ? fine(NAME, 'git that looks at what agents leave runs in a sandbox of its own')
      : warn(NAME, `git that looks at what agents leave is held by no sandbox: ${why}`, FIX),
  ];
}
