/** What the host's own configuration and account put into every sandbox, and keep out of it. */

import type { Environment } from './environment.ts';
import type { HostSettings } from './host-file.ts';
import { certificatesOf } from './known-certificates.ts';
import { toolchainsOf } from './known-toolchains.ts';
import { secretFiles } from './secrets.ts';

export interface SeenBySandboxes {
  /** Folders and files that are seen read-only. */
  readonly read: readonly string[];
  /** Those that are not, unless they are given by name. */
  readonly hidden: readonly string[];
}

export function seenBySandboxes(host: HostSettings, environment: Pick<Environment, 'home' | 'all'>): SeenBySandboxes {
  return {
    read: [...toolchainsOf(environment.all).read, ...certificatesOf(environment.all).read, ...host.read],
    hidden: [environment.home, ...secretFiles(host)],
  };
}
