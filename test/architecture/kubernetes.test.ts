/** infra/kubernetes, as far as it can be told wrong without a cluster; its head says what was run on one. */

import { describe, expect, it } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { NO_SERVERS, read, refusalOf, VARIABLES } from './deployment-rig.ts';

interface SecurityContext {
  readonly procMount?: string;
  readonly allowPrivilegeEscalation?: boolean;
  readonly capabilities?: { readonly drop: readonly string[] };
}

interface Container {
  readonly name: string;
  readonly securityContext?: SecurityContext;
  readonly image: string;
  readonly args: readonly string[];
  readonly envFrom: readonly Readonly<Record<string, { readonly name: string }>>[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly serviceName?: string;
    readonly ttlSecondsAfterFinished?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template?: {
      readonly metadata?: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly Container[];
        readonly automountServiceAccountToken?: boolean;
        readonly hostUsers?: boolean;
        readonly securityContext: Readonly<Record<string, unknown>>;
      };
    };
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

describe('the Kubernetes manifest', () => {
  const documents = parseAllDocuments(read('infra/kubernetes/worker.yaml'));
  const manifests = documents.map((document) => document.toJS() as Manifest);
  const named = (kind: string): readonly string[] =>
    manifests.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);
  const containers = manifests.flatMap(({ spec }) => spec?.template?.spec.containers ?? []);

  it('is YAML, and says what of it was not run', () => {
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    expect(manifests.map(({ kind }) => kind)).toEqual(['ConfigMap', 'Job', 'Service', 'StatefulSet']);
    expect(read('infra/kubernetes/worker.yaml')).toMatch(/^# RUN with Kubernetes .*[^]*\. NOT:/m);
  });

  it('refers to what is there, and mounts the state home on a volume that outlives the pod', () => {
    for (const { envFrom } of containers) {
      expect(envFrom.flatMap(({ configMapRef }) => configMapRef?.name ?? [])).toEqual(named('ConfigMap'));
    }
    const set = manifests.find(({ kind }) => kind === 'StatefulSet')?.spec;
    expect(named('Service')).toContain(set?.serviceName);
    expect(set?.template?.metadata?.labels).toEqual(set?.selector?.matchLabels);
    const worker = containers.find(({ name }) => name === 'worker');
    expect(worker?.volumeMounts?.map(({ name }) => name)).toEqual(
      set?.volumeClaimTemplates?.map(({ metadata }) => metadata.name),
    );
    const home = worker?.env.find(({ name }) => name === 'TASKS_HOME')?.value;
    expect(worker?.volumeMounts?.map(({ mountPath }) => mountPath)).toEqual([home]);
  });

  it('gives the worker what bubblewrap needs in a pod, and nobody else', () => {
    const pods = manifests.flatMap(({ spec }) => spec?.template?.spec ?? []);
    const unconfined = pods.filter(({ securityContext }) => JSON.stringify(securityContext).includes('Unconfined'));
    expect(unconfined.map(({ containers: [one] }) => one?.name)).toEqual(['worker']);
    // Without accounts of its own a pod is refused the second, without which there is no /proc for a sandbox.
    expect(unconfined).toMatchObject([
      {
        hostUsers: false,
        securityContext: { seccompProfile: { type: 'Unconfined' }, appArmorProfile: { type: 'Unconfined' } },
      },
    ]);
    expect(containers.map(({ securityContext }) => securityContext?.procMount)).toEqual([undefined, 'Unmasked']);
  });

  it('gives no pod a token of the cluster, nor a way to more rights than its account has', () => {
    const pods = manifests.flatMap(({ spec }) => spec?.template?.spec ?? []);
    expect(pods.map(({ automountServiceAccountToken }) => automountServiceAccountToken)).toEqual([false, false]);
    for (const { securityContext } of pods) expect(securityContext).toMatchObject({ runAsNonRoot: true });
    for (const { securityContext } of containers) {
      expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
    }
  });

  it('may be applied again with another image: its job, which cannot be changed, goes by itself', () => {
    const jobs = manifests.filter(({ kind }) => kind === 'Job');
    expect(jobs.map(({ spec }) => spec?.ttlSecondsAfterFinished)).toEqual([expect.any(Number)]);
  });

  it('gives Tributary only variables that it reads, and starts commands as they are', async () => {
    const given = manifests.flatMap(({ data = {} }) => Object.keys(data));
    expect(VARIABLES).toEqual(expect.arrayContaining(given));
    for (const { env, args, image } of containers) {
      expect(image).toBe('tributary-worker');
      expect(VARIABLES).toEqual(expect.arrayContaining(env.map(({ name }) => name)));
      expect(await refusalOf(args)).toMatch(NO_SERVERS);
    }
  });
});
