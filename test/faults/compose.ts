/** What docker-compose.yml says of its services, for starting them without containers. */

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Service {
  readonly name: string;
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** The health check's command; a text is for a shell. Null: it has none. */
  readonly check: readonly string[] | null;
  readonly dependsOn: Readonly<Record<string, string>>;
  /** Files of this repository by their paths in the container. */
  readonly files: ReadonlyMap<string, string>;
}

interface RawService {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly volumes?: readonly string[];
}

/** @param variables what `${NAME:?…}` stands for; one that is not given is an error */
export function readCompose(path: string, variables: Readonly<Record<string, string>>): ReadonlyMap<string, Service> {
  const { services } = parse(readFileSync(path, 'utf8'), { merge: true }) as {
    readonly services: Readonly<Record<string, RawService>>;
  };
  const fill = (text: string): string =>
    text
      .replaceAll(/(?<!\$)\$\{(\w+)(?::\?[^}]*)?\}/g, (_, name: string) => {
        const value = variables[name];
        if (value === undefined) throw new Error(`${path} needs ${name}`);
        return value;
      })
      .replaceAll('$$', '$');
  return new Map(
    Object.entries(services).map(([name, raw]): [string, Service] => {
      const own = (raw.volumes ?? []).map((one) => one.split(':')).filter(([from]) => from?.startsWith('./') === true);
      const [how, ...rest] = raw.healthcheck?.test ?? [];
      const check = how === undefined ? null : how === 'CMD-SHELL' ? ['/bin/sh', '-c', ...rest] : rest;
      return [
        name,
        {
          name,
          image: raw.image,
          environment: Object.fromEntries(
            Object.entries(raw.environment ?? {}).map(([key, value]) => [key, fill(value)]),
          ),
          entrypoint: (raw.entrypoint ?? []).map(fill),
          command: (raw.command ?? []).map(fill),
          check: check?.map(fill) ?? null,
          dependsOn: Object.fromEntries(
            Object.entries(raw.depends_on ?? {}).map(([other, { condition }]) => [other, condition]),
          ),
          files: new Map(own.map(([from = '', to = '']) => [to, from])),
        },
      ];
    }),
  );
}
