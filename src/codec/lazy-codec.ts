/** A codec that is made when something first goes through it, for programs that mostly talk to nobody. */

import type { PayloadCodec } from '@temporalio/common';

/** Made once; what its making throws, every use of it throws. */
export function lazyCodec(make: () => Promise<PayloadCodec>): PayloadCodec {
  let made: Promise<PayloadCodec> | null = null;
  const codec = (): Promise<PayloadCodec> => (made ??= make());
  return {
    encode: async (payloads) => (await codec()).encode(payloads),
    decode: async (payloads) => (await codec()).decode(payloads),
  };
}
