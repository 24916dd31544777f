import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGeneratedImageKey, parseGeneratedImageMetadata } from '../../src/client/generated-image.js';
import { parseFragmentNotification } from '../../src/client/notification.js';

describe('the key of an image in S3', () => {
  it.each([
    ['front_123456789012_door_1646229468350_abcd.jpg', 'front', 'door'],
    ['a_b/c d_é_123456789012_front_door_2_1646229468350_abcd.jpg', 'a_b/c d_é', 'front_door_2'],
    ['_123456789012_door_1646229468350_abcd.jpg', '', 'door'],
    ['123456789012_door_1646229468350_abcd.jpg', '', 'door'],
    ['210987654321_x_123456789012_door_1646229468350_abcd.jpg', '210987654321_x', 'door'],
  ])('%s comes apart', (key, imagePrefix, streamName) => {
    expect(parseGeneratedImageKey(key)).toEqual({
      imagePrefix,
      accountId: '123456789012',
      streamName,
      imageTimecode: 1646229468350,
      randomId: 'abcd',
      extension: 'jpg',
    });
  });

  it('comes apart whatever prefix and name are made of', () => {
    const prefix = fc.string({ unit: 'grapheme', maxLength: 30 });
    const name = fc.stringMatching(/^[a-zA-Z.-][a-zA-Z_.-]{0,20}$/);
    const id = fc.uuid();
    fc.assert(
      fc.property(
        prefix,
        name,
        fc.nat(2 ** 40),
        id,
        fc.constantFrom('jpg', 'png', 'JPG'),
        (first, stream, time, guid, extension) => {
          const key = `${first}_000000000001_${stream}_${time}_${guid}.${extension}`;
          expect(parseGeneratedImageKey(key)).toEqual({
            imagePrefix: first,
            accountId: '000000000001',
            streamName: stream,
            imageTimecode: time,
            randomId: guid,
            extension,
          });
        },
      ),
    );
  });

  it.each([
    '',
    'photo.jpg',
    'front_12345678901_door_1646229468350_abcd.jpg',
    'a_123456789012_door_x_abcd.jpg',
    'a_123456789012_1646229468350_abcd.jpg',
    'a_123456789012_door_1646229468350_abcd',
  ])('"%s" is none', (key) => {
    expect(parseGeneratedImageKey(key)).toBeUndefined();
  });
});

describe('the metadata of an image in S3', () => {
  it.each(['x-amz-meta-', 'X-Amz-Meta-', ''])('is read with names that begin with "%s"', (prefix) => {
    const metadata = parseGeneratedImageMetadata({
      [`${prefix}aws_kinesisvideo_fragment_number`]: '91343852333181432392682062607743920146270339185',
      [`${prefix}aws_kinesisvideo_producer_timestamp`]: '1646229468350',
      [`${prefix}aws_kinesisvideo_server_timestamp`]: '1646229468.361',
      [`${prefix}motion`]: 'true',
    });
    expect(metadata).toEqual({
      fragmentNumber: '91343852333181432392682062607743920146270339185',
      producerTimestamp: new Date(1646229468350),
      serverTimestamp: new Date(1646229468361),
      tags: new Map([['motion', 'true']]),
    });
    expect(parseGeneratedImageMetadata({ [`${prefix}aws_kinesisvideo_producer_timestamp`]: 'soon' })).toMatchObject({
      fragmentNumber: undefined,
      producerTimestamp: undefined,
    });
  });
});

describe('a notification of SNS', () => {
  const number = '91343852333181432392682062607743920146270339185';
  const arn = 'arn:aws:kinesisvideo:us-east-1:123456789012:stream/door/1646229468350';
  const message = (quote: string) =>
    `{"StreamArn":"${arn}","FragmentNumber":${quote}${number}${quote},"FragmentStartProducerTimestamp":${quote}1646229468350${quote},` +
    `"FragmentStartServerTimestamp":${quote}1646229468361${quote},"NotificationType":"PERSISTED","NotificationPayload":{"id \\"12345678901234567890 1\\"":"2"}}`;

  it('is read with and without what SNS puts around it, its number exact', () => {
    for (const quote of ['"', '']) {
      const plain = message(quote);
      for (const text of [plain, JSON.stringify({ Type: 'Notification', MessageId: '1', Message: plain })]) {
        expect(parseFragmentNotification(text)).toEqual({
          streamArn: arn,
          fragmentNumber: number,
          producerTimestamp: new Date(1646229468350),
          serverTimestamp: new Date(1646229468361),
          notificationType: 'PERSISTED',
          payload: new Map([['id "12345678901234567890 1"', '2']]),
        });
      }
    }
  });

  it('says so when it is none', () => {
    for (const text of [
      '{}',
      '[]',
      'null',
      '1',
      '{"Message":"{}"}',
      JSON.stringify({ StreamArn: arn, FragmentNumber: 'x' }),
    ]) {
      expect(() => parseFragmentNotification(text)).toThrow(TypeError);
    }
    expect(() => parseFragmentNotification('<html>')).toThrow(SyntaxError);
  });
});
