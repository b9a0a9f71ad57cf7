/**
 * How workflows write failures down: with their messages and stack traces as payloads where the worker encrypts payloads,
 * as plain text where it does not. Which of both, the worker marks in front of the bundle's text, so that there is one
 * bundle for both. A replay does not compare failures.
 */

import { DefaultFailureConverter, type FailureConverter } from '@temporalio/common';

/** What stands in front of a bundle whose failures are to be encoded. */
export const ENCODED_FAILURES_MARK = 'globalThis.tributaryEncodesFailures = true; ';

const plain = new DefaultFailureConverter();
const encoded = new DefaultFailureConverter({ encodeCommonAttributes: true });

export const failureConverter: FailureConverter = {
  errorToFailure(error, payloadConverter, context) {
    const isMarked = Reflect.get(globalThis, 'tributaryEncodesFailures') === true;
    return (isMarked ? encoded : plain).errorToFailure(error, payloadConverter, context);
  },
  failureToError: (failure, payloadConverter, context) => plain.failureToError(failure, payloadConverter, context),
};
