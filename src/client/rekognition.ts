import { fieldsOf, listOf, numberOf, parseJson, textOf } from './json-fields.js';
import { parseMoment } from './moment.js';

/**
 * A rectangle in a picture, in fractions of its width and height: 0 is the left or upper edge, 1 the right or lower one. It can reach
 * beyond the edges.
 */
export interface RekognitionBox {
  /** The left edge, from the picture's left edge. */
  readonly left: number;
  /** The upper edge, from the picture's upper edge. */
  readonly top: number;
  /** In parts of the picture's width. */
  readonly width: number;
  /** In parts of the picture's height. */
  readonly height: number;
}

/** A point of a face, in parts of the picture's width and height. */
export interface RekognitionLandmark {
  /** `eyeLeft`, `eyeRight`, `nose`, `mouthLeft`, `mouthRight`. */
  readonly type: string;
  /** From the picture's left edge. */
  readonly x: number;
  /** From the picture's upper edge. */
  readonly y: number;
}

/** A face of the collection that is similar to the detected one. */
export interface RekognitionMatch {
  /** How like the two are, in percent. */
  readonly similarity: number;
  /** The id that Rekognition gave the face in the collection. */
  readonly faceId: string | undefined;
  /** The id of the image that the face was added to the collection with. */
  readonly imageId: string | undefined;
  /** What its owner calls it. */
  readonly externalImageId: string | undefined;
  /** How sure it is that it is a face, in percent. */
  readonly confidence: number | undefined;
  /** Where it is in the picture that it was taken into the collection from. */
  readonly boundingBox: RekognitionBox | undefined;
}

/** A face that was detected in a frame. */
export interface RekognitionFace {
  /** Where the face is in the picture. */
  readonly boundingBox: RekognitionBox;
  /** How sure it is that it is a face, in percent. */
  readonly confidence: number | undefined;
  /** Eyes, nose and mouth, as far as Rekognition says where they are. */
  readonly landmarks: readonly RekognitionLandmark[];
  /** How the face is turned: `pitch`, `roll` and `yaw`, in degrees of -180 to 180. */
  readonly pose: { readonly pitch: number; readonly roll: number; readonly yaw: number } | undefined;
  /** `brightness` and `sharpness` of the face, 0 to 100 each. */
  readonly quality: { readonly brightness: number; readonly sharpness: number } | undefined;
  /** Faces of the collection, the most like first. */
  readonly matches: readonly RekognitionMatch[];
}

/** The result of a stream processor of Amazon Rekognition Video for one frame: a record of its Kinesis data stream. */
export interface RekognitionResult {
  /** The Amazon Resource Name of the Kinesis video stream; `undefined` where the record does not have it. */
  readonly streamArn: string | undefined;
  /** The fragment that the frame is of: a decimal string. */
  readonly fragmentNumber: string;
  /** When the producer began to record the fragment, exact to the millisecond. */
  readonly producerTimestamp: Date | undefined;
  /** When the service began to receive the fragment, exact to the millisecond. */
  readonly serverTimestamp: Date | undefined;
  /** How far the frame is behind the beginning of the fragment, in microseconds. */
  readonly frameOffset: number;
  /** Of the stream processor: `RUNNING`, the only one that is documented. */
  readonly status: string | undefined;
  /** None where there is no face in the frame. */
  readonly faces: readonly RekognitionFace[];
}

/**
 * Reads a record that a stream processor of Amazon Rekognition Video (face search) has put into a Kinesis data stream.
 *
 * @param data the record's data: JSON, as bytes or text
 * @throws SyntaxError when it is no JSON; TypeError when it is no result of a stream processor
 */
export function parseRekognitionResult(data: Uint8Array | string): RekognitionResult {
  const { InputInformation, StreamProcessorInformation, FaceSearchResponse } = fieldsOf(
    parseJson(typeof data === 'string' ? data : new TextDecoder().decode(data)),
  );
  const { KinesisVideo } = fieldsOf(InputInformation);
  const { StreamArn, FragmentNumber, ProducerTimestamp, ServerTimestamp, FrameOffsetInSeconds } =
    fieldsOf(KinesisVideo);
  const { Status } = fieldsOf(StreamProcessorInformation);
  const fragmentNumber = textOf(FragmentNumber) ?? '';
  const offset = numberOf(FrameOffsetInSeconds);
  if (!/^\d{1,128}$/.test(fragmentNumber) || offset === undefined) {
    throw new TypeError('this is no result of a stream processor: it has no FragmentNumber or no FrameOffsetInSeconds');
  }
  return {
    streamArn: textOf(StreamArn),
    fragmentNumber,
    producerTimestamp: parseMoment(textOf(ProducerTimestamp)),
    serverTimestamp: parseMoment(textOf(ServerTimestamp)),
    frameOffset: Math.round(offset * 1e6),
    status: textOf(Status),
    faces: listOf(FaceSearchResponse).flatMap(faceOf),
  };
}

function faceOf(response: unknown): RekognitionFace[] {
  const { DetectedFace, MatchedFaces } = fieldsOf(response);
  const { BoundingBox, Confidence, Landmarks, Pose, Quality } = fieldsOf(DetectedFace);
  const boundingBox = boxOf(BoundingBox);
  if (boundingBox === undefined) return [];
  const { Pitch, Roll, Yaw } = fieldsOf(Pose);
  const [pitch, roll, yaw] = [numberOf(Pitch), numberOf(Roll), numberOf(Yaw)];
  const { Brightness, Sharpness } = fieldsOf(Quality);
  const [brightness, sharpness] = [numberOf(Brightness), numberOf(Sharpness)];
  const matches = listOf(MatchedFaces).flatMap(matchOf);
  return [
    {
      boundingBox,
      confidence: numberOf(Confidence),
      landmarks: listOf(Landmarks).flatMap(landmarkOf),
      pose: pitch === undefined || roll === undefined || yaw === undefined ? undefined : { pitch, roll, yaw },
      quality: brightness === undefined || sharpness === undefined ? undefined : { brightness, sharpness },
      matches: matches.sort((a, b) => b.similarity - a.similarity),
    },
  ];
}

function matchOf(matched: unknown): RekognitionMatch[] {
  const { Similarity, Face } = fieldsOf(matched);
  const similarity = numberOf(Similarity);
  if (similarity === undefined) return [];
  const { FaceId, ImageId, ExternalImageId, Confidence, BoundingBox } = fieldsOf(Face);
  return [
    {
      similarity,
      faceId: textOf(FaceId),
      imageId: textOf(ImageId),
      externalImageId: textOf(ExternalImageId),
      confidence: numberOf(Confidence),
      boundingBox: boxOf(BoundingBox),
    },
  ];
}

function landmarkOf(landmark: unknown): RekognitionLandmark[] {
  const { Type, X, Y } = fieldsOf(landmark);
  const [x, y] = [numberOf(X), numberOf(Y)];
  return x === undefined || y === undefined ? [] : [{ type: textOf(Type) ?? '', x, y }];
}

function boxOf(value: unknown): RekognitionBox | undefined {
  const { Left, Top, Width, Height } = fieldsOf(value);
  const [left, top, width, height] = [numberOf(Left), numberOf(Top), numberOf(Width), numberOf(Height)];
  if (left === undefined || top === undefined || width === undefined || height === undefined) return undefined;
  return { left, top, width, height };
}

/**
 * Converts a box to whole pixels, `left` and `top` from the picture's upper left corner: its edges rounded to the nearest ones, without
 * what reaches over the edges of the picture.
 *
 * @param picture how large it is, in pixels: a `Picture` of `kvs-parser/decode` as it was scaled, or the track's `video`
 * @returns `width` or `height` are 0 where nothing of the box is in the picture
 */
export function boxToPixels(
  box: RekognitionBox,
  picture: { readonly width: number; readonly height: number },
): { readonly left: number; readonly top: number; readonly width: number; readonly height: number } {
  const [left, right] = edges(box.left, box.width, picture.width);
  const [top, bottom] = edges(box.top, box.height, picture.height);
  return { left, top, width: right - left, height: bottom - top };
}

function edges(from: number, length: number, size: number): [from: number, to: number] {
  const within = (part: number) => Math.min(size, Math.max(0, Math.round(part * size)));
  const start = within(from);
  return [start, Math.max(start, within(from + length))];
}
