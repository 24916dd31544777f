import { fieldsOf, parseJson, textOf } from './json-fields.js';
import { parseMoment } from './moment.js';

/** The message that the service sends through SNS when it has stored a fragment with a notification tag. */
export interface FragmentNotification {
  /** The Amazon Resource Name of the stream. */
  readonly streamArn: string;
  /** A decimal string. */
  readonly fragmentNumber: string;
  /** When the producer began to record the fragment. */
  readonly producerTimestamp: Date | undefined;
  /** When the service began to receive it. */
  readonly serverTimestamp: Date | undefined;
  /** `PERSISTED`, the only one that is documented. */
  readonly notificationType: string;
  /** Names and values that the producer has sent with the notification's tag. */
  readonly payload: ReadonlyMap<string, string>;
}

/**
 * Reads a notification of the service.
 *
 * @param text the message that SNS gave, or the JSON around it, as a queue or an endpoint gets it
 * @throws SyntaxError when it is no JSON; TypeError when it is no notification of Kinesis Video Streams
 */
export function parseFragmentNotification(text: string): FragmentNotification {
  const outer = fieldsOf(parseJson(text));
  const { Message: inner } = outer;
  const message = typeof inner === 'string' ? fieldsOf(parseJson(inner)) : outer;
  const { StreamArn, FragmentNumber, FragmentStartProducerTimestamp, FragmentStartServerTimestamp } = message;
  const { NotificationType = 'PERSISTED', NotificationPayload } = message;
  const number = textOf(FragmentNumber) ?? '';
  if (typeof StreamArn !== 'string' || !/^\d{1,128}$/.test(number)) {
    throw new TypeError('this is no notification of Kinesis Video Streams: it has no StreamArn or no FragmentNumber');
  }
  return {
    streamArn: StreamArn,
    fragmentNumber: number,
    producerTimestamp: parseMoment(textOf(FragmentStartProducerTimestamp)),
    serverTimestamp: parseMoment(textOf(FragmentStartServerTimestamp)),
    notificationType: textOf(NotificationType) ?? 'PERSISTED',
    payload: new Map(Object.entries(fieldsOf(NotificationPayload)).map(([name, value]) => [name, textOf(value) ?? ''])),
  };
}
