import { describe, expect, it } from '@jest/globals';
import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';
import { SlotPool } from '../../src/worker/slot-pool.ts';

const CONTEXT = {
  slotType: 'activity',
  taskQueue: '',
  workerIdentity: '',
  workerBuildId: '',
  isSticky: false,
} as const;
const slotInfo = { type: 'activity', activityType: 'runPhase' } as const;

type Supplier = CustomSlotSupplier<ActivitySlotInfo>;

/** A poller's wish for a permit, as far as it has come. */
function ask(supplier: Supplier, signal = new AbortController().signal) {
  const asked: { permit: SlotPermit | null; error: unknown; done: Promise<void> } = {
    permit: null,
    error: null,
    done: Promise.resolve(),
  };
  asked.done = supplier.reserveSlot(CONTEXT, signal).then(
    (permit) => void (asked.permit = permit),
    (error: unknown) => void (asked.error = error),
  );
  return asked;
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
}

function granted({ permit }: { readonly permit: SlotPermit | null }): SlotPermit {
  if (permit === null) throw new Error('there is no permit');
  return permit;
}

describe('a pool of slots', () => {
  it('lets each queue poll with one permit, whatever others poll', async () => {
    const pool = new SlotPool(1);
    const [one, other] = [pool.supplier('agents'), pool.supplier('agents/gpu')];
    const asked = [ask(one), ask(other), ask(one)];
    await settled();
    expect(asked.map(({ permit }) => permit !== null)).toEqual([true, true, false]);
  });

  it('gives no more permits once all slots are used, and the next as soon as one is free', async () => {
    const pool = new SlotPool(1);
    const supplier = pool.supplier('agents');
    const first = ask(supplier);
    await first.done;
    supplier.markSlotUsed({ slotInfo, permit: granted(first) });
    const waiting = [ask(supplier), ask(pool.supplier('agents/gpu'))] as const;
    await settled();
    expect(waiting.map(({ permit }) => permit)).toEqual([null, null]);
    supplier.releaseSlot({ slotInfo, permit: granted(first) });
    await settled();
    expect(waiting.every(({ permit }) => permit !== null)).toBe(true);
  });

  it('counts as used only what is, so that idle polls take nothing from others', async () => {
    const pool = new SlotPool(2);
    const queues = ['a', 'b', 'c', 'd'].map((name) => pool.supplier(name));
    const asked = queues.map((supplier) => ask(supplier));
    await settled();
    expect(asked.every(({ permit }) => permit !== null)).toBe(true);
    const [first, second] = queues;
    const [one, two] = asked;
    if (first === undefined || second === undefined || one === undefined || two === undefined) throw new Error('none');
    first.markSlotUsed({ slotInfo, permit: granted(one) });
    second.markSlotUsed({ slotInfo, permit: granted(two) });
    const more = ask(first);
    await settled();
    expect(more.permit).toBeNull();
    // A poll that brought nothing gives its permit back, and makes no room.
    queues[2]?.releaseSlot({ permit: granted(asked[2] ?? one) });
    await settled();
    expect(more.permit).toBeNull();
  });

  it('lets the only queue poll for all slots, until there is another', async () => {
    const pool = new SlotPool(2);
    const one = pool.supplier('agents');
    const asked = [ask(one), ask(one), ask(one)];
    await settled();
    expect(asked.map(({ permit }) => permit !== null)).toEqual([true, true, false]);
    const other = ask(pool.supplier('host/ada'));
    await settled();
    expect(other.permit).not.toBeNull();
    for (const { permit } of asked.slice(0, 2)) if (permit !== null) one.releaseSlot({ permit });
    await settled();
    const next = ask(one);
    await settled();
    expect([asked[2]?.permit !== null, next.permit]).toEqual([true, null]);
  });

  it('lets the only queue poll for as many more as are to be taken ahead, as it is then', async () => {
    let ahead = 0;
    const pool = new SlotPool(1, () => ahead);
    const one = pool.supplier('gates');
    const first = ask(one);
    await first.done;
    const second = ask(one);
    ahead = 1;
    one.markSlotUsed({ slotInfo, permit: granted(first) });
    await second.done;
    const third = ask(one);
    one.markSlotUsed({ slotInfo, permit: granted(second) });
    await settled();
    expect(third.permit).toBeNull();
    ahead = 0;
    one.releaseSlot({ slotInfo, permit: granted(first) });
    await settled();
    // The one that was taken ahead has the slot now.
    expect(third.permit).toBeNull();
    one.releaseSlot({ slotInfo, permit: granted(second) });
    await settled();
    expect(third.permit).not.toBeNull();
  });

  it('takes back what is given to nobody any more, and rejects a wish with the reason of its end', async () => {
    const pool = new SlotPool(1);
    const supplier = pool.supplier('agents');
    const stopped = new AbortController();
    const lost = ask(supplier, stopped.signal);
    const waiting = ask(supplier, stopped.signal);
    const reason = new Error('no longer needed');
    stopped.abort(reason);
    await Promise.all([lost.done, waiting.done]);
    expect(waiting.error).toBe(reason);
    const next = ask(supplier);
    await settled();
    expect(next.permit).not.toBeNull();
    expect(ask(supplier, stopped.signal).permit).toBeNull();
  });

  it('lets nothing run past the polls', () => {
    expect(new SlotPool(1).supplier('agents').tryReserveSlot(CONTEXT)).toBeNull();
  });
});
