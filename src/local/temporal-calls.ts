/**
 * How calls to Temporal are tried again: as its client does, but that a call whose next try comes after the connection
 * was closed ends with an error of its own. The client throws there from a timer, which would end the process.
 */

import { status } from '@grpc/grpc-js';
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor, type ConnectionOptions } from '@temporalio/client';
import { messageOf } from '../core/thrown.ts';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Parameters<Interceptor>[1]>;

/** For every connection to Temporal. */
export function temporalCalls(): Interceptor[] {
  const tryAgain = makeGrpcRetryInterceptor(defaultGrpcRetryOptions());
  return [
    (options, nextCall) => {
      let tries = 0;
      return tryAgain(options, (again) => {
        tries += 1;
        if (tries === 1) return nextCall(again);
        try {
          return nextCall(again);
        } catch (error) {
          return endedCall(messageOf(error));
        }
      });
    },
  ];
}

/** A call that is over as soon as it starts, and is not tried again. */
function endedCall(details: string): Call {
  return {
    start: (metadata, listener) => listener?.onReceiveStatus?.({ code: status.CANCELLED, details, metadata }),
    cancelWithStatus: () => undefined,
    getPeer: () => 'closed',
    sendMessage: () => undefined,
    sendMessageWithContext: () => undefined,
    startRead: () => undefined,
    halfClose: () => undefined,
    getAuthContext: () => null,
  };
}
