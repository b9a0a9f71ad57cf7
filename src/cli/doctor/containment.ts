/** Whether agents and gates are held in a sandbox here: tried by what a worker tries when it starts. */

import { readHostFile } from '../../config/host-file.ts';
import { tryConfined } from '../../process/confined-command.ts';
import { bad, fine, warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';

const TRIAL_MS = 5_000;

/** @param bwrapPath the program; left out: it is looked for as a worker does */
export async function checkContainment(session: Session, bwrapPath?: string): Promise<Check> {
  const name = 'containment';
  if (process.platform !== 'linux') {
    return warn(name, 'bubblewrap is for Linux', 'agents run in a process group; what leaves it may outlive them');
  }
  const host = await readHostFile(session.environment.home);
  const required = host.kind === 'ok' && host.value.sandbox === 'required';
  const missing = required ? bad : warn;
  if (host.kind === 'ok' && required && host.value.containment === 'off') {
    const fix = 'remove one of the two lines, and restart the worker';
    return bad(
      name,
      'host.yaml has sandbox: required, and containment: off, with which there is none: no task runs',
      fix,
    );
  }
  if (host.kind === 'ok' && (host.value.containment === 'off' || host.value.sandbox === 'off')) {
    return warn(name, 'host.yaml switches it off', 'agents reach what your account does; remove that line');
  }
  const confined = await tryConfined(bwrapPath, TRIAL_MS);
  if (typeof confined === 'function') return fine(name, 'agents and gates run in a sandbox (bubblewrap)');
  const [why = ''] = confined.why.split('; ');
  return confined.isInstalled
    ? missing(
        name,
        `bubblewrap cannot be used: ${why}`,
        'allow user namespaces on this machine (sysctl kernel.unprivileged_userns_clone=1, or an AppArmor profile for bwrap); in a container, a /proc without masks too',
      )
    : missing(
        name,
        `there is no bubblewrap (none of ${confined.places.join(', ')}): agents reach what your account does`,
        'install it (apt install bubblewrap): then they are held in a sandbox, and no process outlives its phase',
      );
}
