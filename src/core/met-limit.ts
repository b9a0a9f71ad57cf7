/**
 * Which limit of its account, its shell or its container a program has met, by what it said of its end. Servers say it in
 * words of their own, or far above the last line of their log; whoever reads only that they ended cannot mend it.
 */

export interface MetLimit {
  /** What there was no more of, to stand behind what failed. */
  readonly what: string;
  /** What the reader can do. */
  readonly next: string;
}

const CONTAINER = 'in a container, its own limits hold as well';

const LIMITS: readonly (MetLimit & { readonly said: RegExp })[] = [
  {
    said: /could not fork .*Resource temporarily unavailable|failed to create new OS thread|max user processes|pthread_create|uv_thread_create|\bspawn \S* ?EAGAIN\b|Cannot fork/,
    what: 'its account may have no more processes and threads',
    next: `end some of this account's, or raise that limit (ulimit -u; some hundreds are needed); ${CONTAINER}`,
  },
  {
    said: /too many open files|insufficient file descriptors|\bEMFILE\b|\bENFILE\b/i,
    what: 'it may open no more files',
    next: 'raise that limit (ulimit -n; 1024 will do)',
  },
  {
    said: /file too large|file size limit exceeded|\bEFBIG\b|\bSIGXFSZ\b/i,
    what: 'its files may not grow as large as it needs',
    next: 'lift that limit (ulimit -f unlimited)',
  },
  {
    said: /cannot allocate memory|\bENOMEM\b|failed to reserve page summary memory|out of memory/i,
    what: 'it got no memory',
    next: `make some free, or raise the limit (ulimit -v); ${CONTAINER}`,
  },
  {
    said: /disk I\/O error/,
    what: 'its database could not be read or written',
    next: 'see whether its files may grow (ulimit -f), and whether the disk is sound (dmesg)',
  },
];

/** Null: nothing that it said is of a limit. */
export function metLimit(said: string): MetLimit | null {
  const found = LIMITS.find((limit) => limit.said.test(said));
  return found === undefined ? null : { what: found.what, next: found.next };
}
