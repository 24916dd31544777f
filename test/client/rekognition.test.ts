import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boxToPixels,
  parseRekognitionResult,
  RekognitionIndex,
  type RekognitionJoin,
  type RekognitionResult,
} from '../../src/client/index.js';
import { type Fragment, readFragments } from '../../src/index.js';

/** The example of a record in the service's documentation, its faces shortened. */
const RECORD = {
  InputInformation: {
    KinesisVideo: {
      StreamArn: 'arn:aws:kinesisvideo:us-west-2:123456789012:stream/stream-name',
      FragmentNumber: '91343852333289682796718532614445757584843717598',
      ServerTimestamp: 1510552593.455,
      ProducerTimestamp: 1510552593.193,
      FrameOffsetInSeconds: 2,
    },
  },
  StreamProcessorInformation: { Status: 'RUNNING' },
  FaceSearchResponse: [
    {
      DetectedFace: {
        BoundingBox: { Height: 0.075, Width: 0.05625, Left: 0.428125, Top: 0.40833333 },
        Confidence: 99.975174,
        Landmarks: [{ X: 0.4452057, Y: 0.4395594, Type: 'eyeLeft' }],
        Pose: { Pitch: 2.9691637, Roll: -6.8904796, Yaw: 23.84388 },
        Quality: { Brightness: 40.592964, Sharpness: 96.09616 },
      },
      MatchedFaces: [
        { Similarity: 70, Face: { FaceId: 'b', ImageId: 'i', Confidence: 99 } },
        {
          Similarity: 88.86396,
          Face: {
            BoundingBox: { Height: 0.557692, Width: 0.749838, Left: 0.103426, Top: 0.206731 },
            FaceId: 'ed1b560f-d6af-5158-989a-ff586c931545',
            Confidence: 99.999201,
            ImageId: '70e09693-2114-57e1-807c-50b6d61fa4dc',
            ExternalImageId: 'matchedImage.jpeg',
          },
        },
      ],
    },
  ],
};

describe('parseRekognitionResult', () => {
  it('reads a record, as text and as bytes', () => {
    const text = JSON.stringify(RECORD);
    const result = parseRekognitionResult(text);
    expect(parseRekognitionResult(new TextEncoder().encode(text))).toEqual(result);
    expect(result).toMatchObject({
      streamArn: RECORD.InputInformation.KinesisVideo.StreamArn,
      fragmentNumber: '91343852333289682796718532614445757584843717598',
      frameOffset: 2_000_000,
      status: 'RUNNING',
    });
    expect(result.producerTimestamp?.toISOString()).toBe('2017-11-13T05:56:33.193Z');
    expect(result.serverTimestamp?.toISOString()).toBe('2017-11-13T05:56:33.455Z');
    const [face] = result.faces;
    expect(face?.boundingBox).toEqual({ left: 0.428125, top: 0.40833333, width: 0.05625, height: 0.075 });
    expect(face?.landmarks).toEqual([{ type: 'eyeLeft', x: 0.4452057, y: 0.4395594 }]);
    expect(face?.pose?.yaw).toBe(23.84388);
    expect(face?.quality?.sharpness).toBe(96.09616);
    expect(face?.matches.map(({ similarity }) => similarity)).toEqual([88.86396, 70]);
    expect(face?.matches[0]).toMatchObject({ externalImageId: 'matchedImage.jpeg', confidence: 99.999201 });
    expect(face?.matches[1]?.boundingBox).toBeUndefined();
  });

  it('reads a frame without faces, and a number that is no text', () => {
    const text = `{"InputInformation":{"KinesisVideo":{"FragmentNumber":91343852333289682796718532614445757584843717598,"FrameOffsetInSeconds":0.04}}}`;
    expect(parseRekognitionResult(text)).toMatchObject({
      fragmentNumber: '91343852333289682796718532614445757584843717598',
      frameOffset: 40_000,
      faces: [],
    });
  });

  it('says what is none', () => {
    expect(() => parseRekognitionResult('{')).toThrow(SyntaxError);
    for (const text of ['{}', '[]', 'null', '{"InputInformation":{"KinesisVideo":{"FragmentNumber":"1"}}}']) {
      expect(() => parseRekognitionResult(text)).toThrow(TypeError);
    }
  });

  it('gives a result or says that it is none, whatever the JSON is', () => {
    const kinesis = fc.record({
      FragmentNumber: fc.constant('1'),
      FrameOffsetInSeconds: fc.double({ noNaN: true, min: 0, max: 9 }),
    });
    const record = fc.record({
      InputInformation: fc.record({ KinesisVideo: kinesis }),
      StreamProcessorInformation: fc.jsonValue(),
      FaceSearchResponse: fc.oneof(
        fc.jsonValue(),
        fc.array(fc.record({ DetectedFace: fc.jsonValue(), MatchedFaces: fc.jsonValue() })),
      ),
    });
    fc.assert(
      fc.property(record, (value) => {
        expect(parseRekognitionResult(JSON.stringify(value)).fragmentNumber).toBe('1');
      }),
    );
  });
});

describe('boxToPixels', () => {
  it.each([
    [
      { left: 0.25, top: 0.5, width: 0.5, height: 0.25 },
      { left: 160, top: 180, width: 320, height: 90 },
    ],
    [
      { left: -0.1, top: 0.9, width: 0.2, height: 0.3 },
      { left: 0, top: 324, width: 64, height: 36 },
    ],
    [
      { left: 1.2, top: 0, width: 0.2, height: 1 },
      { left: 640, top: 0, width: 0, height: 360 },
    ],
  ])('%j', (box, pixels) => {
    expect(boxToPixels(box, { width: 640, height: 360 })).toEqual(pixels);
  });

  it('lies within the picture', () => {
    const part = fc.double({ noNaN: true, min: -2, max: 3 });
    const size = fc.integer({ min: 1, max: 8000 });
    fc.assert(
      fc.property(part, part, part, part, size, size, (left, top, width, height, wide, high) => {
        const box = boxToPixels({ left, top, width, height }, { width: wide, height: high });
        expect(Object.values(box).every((value) => Number.isInteger(value) && value >= 0)).toBe(true);
        expect(box.left + box.width).toBeLessThanOrEqual(wide);
        expect(box.top + box.height).toBeLessThanOrEqual(high);
      }),
    );
  });
});

const fragments: Fragment[] = [];
for await (const fragment of readFragments(new Uint8Array(readFileSync('examples/recording/camera.mkv')))) {
  fragments.push(fragment);
}

function resultOf({ fragmentNumber = '' }: Fragment, frameOffset: number): RekognitionResult {
  const FrameOffsetInSeconds = frameOffset / 1e6;
  return parseRekognitionResult(
    JSON.stringify({ InputInformation: { KinesisVideo: { FragmentNumber: fragmentNumber, FrameOffsetInSeconds } } }),
  );
}

const placeOf = ({ result, fragment, frame }: RekognitionJoin) => [
  fragment.fragmentNumber,
  result.frameOffset,
  frame === undefined ? undefined : frame.timestamp - (fragment.clusterTimestamp ?? 0),
];

describe('RekognitionIndex', () => {
  const [first, second, third] = fragments as [Fragment, Fragment, Fragment];

  it('joins a result to its fragment and the frame within 10 ms, whichever comes first', () => {
    const index = new RekognitionIndex();
    expect(index.addResult(resultOf(first, 203_000))).toEqual([]);
    expect(index.addFragment(first).map(placeOf)).toEqual([[first.fragmentNumber, 203_000, 200_000]]);
    expect(index.addResult(resultOf(first, 0)).map(placeOf)).toEqual([[first.fragmentNumber, 0, 0]]);
    // Frames are 40 ms apart.
    expect(index.addResult(resultOf(first, 55_000)).map(placeOf)).toEqual([[first.fragmentNumber, 55_000, undefined]]);
    expect(index.joinsOf(first.fragmentNumber ?? '').map(({ result }) => result.frameOffset)).toEqual([
      0, 55_000, 203_000,
    ]);
  });

  it('joins a result once that comes twice', () => {
    const index = new RekognitionIndex();
    index.addResult(resultOf(first, 0));
    index.addResult(resultOf(first, 0));
    expect(index.addFragment(first)).toHaveLength(1);
    expect(index.addResult(resultOf(first, 0))).toEqual([]);
    expect(index.addFragment(first)).toEqual([]);
  });

  it('gives the same joins in whatever order fragments and results come', () => {
    const some = fragments.slice(0, 5);
    const results = some.flatMap((fragment) => [0, 40_000, 400_000].map((offset) => resultOf(fragment, offset)));
    const all = (index: RekognitionIndex) =>
      some.flatMap(({ fragmentNumber = '' }) => index.joinsOf(fragmentNumber).map(placeOf));
    const plain = new RekognitionIndex();
    for (const fragment of some) plain.addFragment(fragment);
    for (const result of results) plain.addResult(result);
    expect(all(plain)).toHaveLength(15);
    const order = fc.shuffledSubarray([...some, ...results], { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(order, (things) => {
        const index = new RekognitionIndex();
        const joins = things.flatMap((thing) =>
          'frames' in thing ? index.addFragment(thing) : index.addResult(thing),
        );
        expect(joins).toHaveLength(15);
        expect(all(index)).toEqual(all(plain));
      }),
    );
  });

  it('knows the result of a frame, also before its fragment is whole', () => {
    const index = new RekognitionIndex();
    const video = first.frames.filter(({ track }) => track.type === 'video');
    const result = resultOf(first, 41_000);
    index.addResult(result);
    expect(video.map((frame) => index.resultOf(frame)).filter((found) => found !== undefined)).toEqual([result]);
    index.addFragment(first);
    expect(video.filter((frame) => index.resultOf(frame) === result)).toHaveLength(1);
    expect(second.frames.some((frame) => index.resultOf(frame) !== undefined)).toBe(false);
  });

  it('gives up what is too late or waits for nothing, and says so', () => {
    const lost: string[] = [];
    const onUnmatched = ({ fragmentNumber, frameOffset }: RekognitionResult) =>
      lost.push(`${fragmentNumber} ${frameOffset}`);
    const index = new RekognitionIndex({ maxFragments: 2, maxResults: 2, onUnmatched });
    for (const fragment of [first, second, third]) index.addFragment(fragment);
    expect(index.addResult(resultOf(first, 0))).toEqual([]);
    expect(index.addResult(resultOf(second, 0))).toHaveLength(1);
    expect(lost).toEqual([`${first.fragmentNumber} 0`]);
    const [, , , fourth, fifth] = fragments as Fragment[];
    index.addResult(resultOf(fourth!, 0));
    index.addResult(resultOf(fifth!, 0));
    index.addResult(resultOf(fifth!, 40_000));
    expect(lost).toEqual([`${first.fragmentNumber} 0`, `${fourth!.fragmentNumber} 0`]);
    index.close();
    expect(lost).toHaveLength(4);
  });

  it('refuses limits that are none', () => {
    expect(() => new RekognitionIndex({ tolerance: -1 })).toThrow(RangeError);
    expect(() => new RekognitionIndex({ maxFragments: 0 })).toThrow(RangeError);
  });
});
