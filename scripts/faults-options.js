/** What the fault suite can be asked for. */

import { BadArguments, knownSections, readArguments, wholeNumber } from './arguments.js';

const HELP = `npm run faults -- SECTION …: the fault suite (Linux). Each section prints one table, and what was not right.
Ends with 0 if there were faults and everything came right, else with 1, and says how to do the same again.

usage: npm run faults -- SECTION … [options]

sections:
  git        cuts every operation of the engine with git off at every system call, and sees that it heals
  tasks      tasks of every kind while workers, Temporal and Postgres are killed at random
  points     kills the worker at each named point of a task's life
  zombies    stops a worker until its tasks have moved on, and lets it go on
  storms     the same fifty times at once, files that are gone, locks, broken objects, lost answers
  disk       full disks: of a host, of an origin, of the servers; as root
  sleep      suspends servers and worker together, and lets them go on
  clock      the host's clock jumps, as the engine's processes there see it
  versions   workers of the version before beside those of this one
  hosts      two hosts, in network namespaces, with the servers of docker-compose.yml; as root

options, and the sections that have them:
  --seed N        all: of all that is random (by the time; printed)
  --runs N        points: so many at each (1); zombies: so many rounds (2); storms, disk, sleep, clock, versions: so
                  many of each (1)
  --only NAME     git, points, storms, disk, sleep, clock, versions, hosts: those whose names contain this
  --lanes N       git, points: so many side by side (2)
  --tasks N       tasks: so many (24)
  --kills N       tasks: so many (12)
  --previous REV  versions: the version before (the last tag)
  --calls WHICH   git: all for every system call; states, of those between which nothing changes that a kill could leave
                  behind, for the first (states)
  --every N       git: one of N points (1)
  --unheld        git: also where it looks at a worktree outside of the sandbox, as on a host that has none

examples:
  npm run faults -- git --every 10
  npm run faults -- tasks points zombies storms
  npm run faults -- storms --only lock --seed 7 --runs 5
`;

const STORMS = ['storms', 'disk', 'sleep', 'clock', 'versions'];

/** The sections that have each option; what no section that was asked for has would be left out without a word. */
const OF = {
  runs: ['points', 'zombies', ...STORMS],
  only: ['git', 'points', 'hosts', ...STORMS],
  lanes: ['git', 'points'],
  tasks: ['tasks'],
  kills: ['tasks'],
  previous: ['versions'],
  calls: ['git'],
  every: ['git'],
  unheld: ['git'],
};
const NUMBERS = ['runs', 'lanes', 'tasks', 'kills', 'every'];

/** @param known all sections; ends the process when it cannot be as it was asked for */
export function readOptions(known) {
  const options = Object.fromEntries(Object.keys(OF).map((name) => [name, { type: 'string' }]));
  const usage = {
    name: 'faults',
    help: HELP,
    takesWords: true,
    options: { ...options, seed: { type: 'string' }, unheld: { type: 'boolean' } },
  };
  return readArguments(usage, (values, words) => {
    if (words.length === 0) throw new BadArguments(`say what: ${known.join(', ')}`);
    const sections = knownSections(words, known);
    for (const [name, of] of Object.entries(OF)) {
      if (values[name] === undefined || sections.some((section) => of.includes(section))) continue;
      throw new BadArguments(`--${name} is of ${of.join(', ')}, and not of ${sections.join(', ')}`);
    }
    const { calls = 'states', only = '', seed = String(Date.now() % 1_000_000), ...more } = values;
    if (!['all', 'states'].includes(calls)) throw new BadArguments(`--calls is all or states, and not "${calls}"`);
    const numbers = NUMBERS.filter((name) => more[name] !== undefined).map((name) => [
      name,
      wholeNumber(`--${name}`, more[name], 1),
    ]);
    return {
      sections,
      options: { ...more, calls, only, seed: wholeNumber('--seed', seed, 0), ...Object.fromEntries(numbers) },
    };
  });
}
