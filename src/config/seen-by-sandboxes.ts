/** What the host's own configuration and account put into every sandbox, and keep out of it. */

import type { Environment } from './environment.ts';
import type { HostSettings } from './host-file.ts';
import { certificatesOf } from './known-certificates.ts';
import { toolchainsOf, type KnownPlaces } from './known-toolchains.ts';
import { secretFiles } from './secrets.ts';

export interface SeenBySandboxes {
  /** Folders and files that are seen read-only. */
  readonly read: readonly string[];
  /** Those that are not, unless they are given by name. */
  readonly hidden: readonly string[];
}

export function seenBySandboxes(host: HostSettings, environment: Pick<Environment, 'home' | 'all'>): SeenBySandboxes {
  return {
    read: [...knownPlacesOf(environment).read, ...host.read],
    hidden: [environment.home, ...secretFiles(host)],
  };
}

/** Toolchains and certificates of the worker's account. */
export function knownPlacesOf({ all }: Pick<Environment, 'all'>): KnownPlaces {
  const [toolchains, certificates] = [toolchainsOf(all), certificatesOf(all)];
  return {
    variables: { ...toolchains.variables, ...certificates.variables },
    read: [...toolchains.read, ...certificates.read],
  };
}
