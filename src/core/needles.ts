/**
 * Many texts, looked for all at once in one that comes bit by bit (after Aho and Corasick): a tree of all of them, in which
 * each character is one step, so that the work does not depend on how many they are, how long, or what they look like. Pure.
 * Texts are bytes, read as Latin-1.
 */

export interface Finder {
  /** The state after one more character; 0 is the one to begin with. */
  after(state: number, code: number): number;
  /** How many of the characters that came last may be the beginning of a text. */
  begun(state: number): number;
  /** The place in the list of the longest text that ends here; -1: none does. */
  found(state: number): number;
}

/** A node's fields and their whole, in bytes. Node 0 is the root, and as a child or sibling it is none. */
const CHILD = 0;
const SIBLING = 4;
/** The longest other way to read what came last. */
const FALLBACK = 8;
const DEPTH = 12;
/** One more than its place in the list. */
const FOUND = 16;
const CODE = 20;
const NODE = 24;
const CODES = 256;

/** @param texts none is empty, no two are the same */
export function createFinder(texts: readonly string[]): Finder {
  const nodes = treeOf(texts);
  const roots = new DataView(new ArrayBuffer(CODES * 4));
  for (const child of childrenOf(nodes, 0)) roots.setInt32(4 * nodes.getInt32(child * NODE + CODE), child);
  const childOf = (node: number, code: number): number => {
    if (node === 0) return roots.getInt32(4 * code);
    let child = nodes.getInt32(node * NODE + CHILD);
    while (child !== 0 && nodes.getInt32(child * NODE + CODE) !== code) {
      child = nodes.getInt32(child * NODE + SIBLING);
    }
    return child;
  };
  // Ends at the root: each fallback is less deep.
  const after = (state: number, code: number): number => {
    let node = state;
    let child = childOf(node, code);
    while (child === 0 && node !== 0) {
      node = nodes.getInt32(node * NODE + FALLBACK);
      child = childOf(node, code);
    }
    return child;
  };
  // Level by level: a fallback is known before what is deeper.
  let level: readonly number[] = childrenOf(nodes, 0);
  while (level.length > 0) {
    const next: number[] = [];
    for (const node of level) {
      const fallback = nodes.getInt32(node * NODE + FALLBACK);
      if (nodes.getInt32(node * NODE + FOUND) === 0) {
        nodes.setInt32(node * NODE + FOUND, nodes.getInt32(fallback * NODE + FOUND));
      }
      for (const child of childrenOf(nodes, node)) {
        nodes.setInt32(child * NODE + FALLBACK, after(fallback, nodes.getInt32(child * NODE + CODE)));
        next.push(child);
      }
    }
    level = next;
  }
  return {
    after,
    begun: (state) => nodes.getInt32(state * NODE + DEPTH),
    found: (state) => nodes.getInt32(state * NODE + FOUND) - 1,
  };
}

function childrenOf(nodes: DataView, node: number): readonly number[] {
  const children: number[] = [];
  let child = nodes.getInt32(node * NODE + CHILD);
  while (child !== 0) {
    children.push(child);
    child = nodes.getInt32(child * NODE + SIBLING);
  }
  return children;
}

function treeOf(texts: readonly string[]): DataView {
  let before = '';
  let count = 1;
  const sorted = texts
    .map((text, place) => ({ text, place }))
    .toSorted((one, other) => (one.text < other.text ? -1 : 1))
    .map(({ text, place }) => {
      const shared = sharedLength(before, text);
      before = text;
      count += text.length - shared;
      return { text, place, shared };
    });
  const nodes = new DataView(new ArrayBuffer(count * NODE));
  let made = 1;
  for (const { text, place, shared } of sorted) {
    let node = 0;
    // Each node's first child is its newest one, so this is the way of the text before.
    for (let depth = 0; depth < shared; depth += 1) node = nodes.getInt32(node * NODE + CHILD);
    for (let depth = shared; depth < text.length; depth += 1) {
      nodes.setInt32(made * NODE + SIBLING, nodes.getInt32(node * NODE + CHILD));
      nodes.setInt32(made * NODE + DEPTH, depth + 1);
      nodes.setInt32(made * NODE + CODE, text.charCodeAt(depth));
      nodes.setInt32(node * NODE + CHILD, made);
      node = made;
      made += 1;
    }
    nodes.setInt32(node * NODE + FOUND, place + 1);
  }
  return nodes;
}

function sharedLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one.charCodeAt(length) === other.charCodeAt(length)) length += 1;
  return length;
}
