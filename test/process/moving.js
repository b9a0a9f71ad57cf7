// A worker that goes out of its control group and comes back: node moving.js <new-groups module> <root> <orders, as JSON>
// It tells what came of it, and where it was after each step.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

const [, , module, root, orders] = process.argv;
/** at: the call of node:fs with the leaf, or a file in it, at which the stranger comes into the worker's group. */
const { stranger, at, neighbour } = JSON.parse(orders);
const text = () => fs.readFileSync('/proc/self/cgroup', 'utf8');
const own = () => /^0::(.*)$/m.exec(text())[1];
const folder = join(root, own());
const leaf = join(folder, 'tributary-worker');
const enter = (group, pid) => fs.writeFileSync(join(group, 'cgroup.procs'), String(pid));

if (stranger !== undefined) {
  const real = fs[at];
  fs[at] = (path, ...rest) => {
    if (!path.startsWith(leaf)) return real(path, ...rest);
    fs[at] = real;
    syncBuiltinESMExports();
    enter(folder, stranger);
    return real(path, ...rest);
  };
  syncBuiltinESMExports();
}
const { makeNew, moveBack } = await import(module);
const made = makeNew(root, text(), `tributary-${process.pid}-1`, { processes: 100, cpus: Infinity });
const seen = { kind: made.kind, why: made.why ?? null, made: own() };
if (made.kind === 'made') for (const each of [made.group.base, made.group.folder]) fs.rmdirSync(each);
if (neighbour !== undefined) {
  enter(leaf, neighbour);
  moveBack();
  seen.beside = own();
  seen.there = fs.readFileSync(join(leaf, 'cgroup.procs'), 'utf8').trim().split('\n').map(Number);
  enter(root, neighbour);
}
moveBack();
process.stdout.write(JSON.stringify({ ...seen, pid: process.pid, after: own() }));
