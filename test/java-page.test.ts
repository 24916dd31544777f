import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as core from '../src/index.js';

/** The public classes and interfaces of the Java library: all files of src/main/java, without those whose class is of its package alone. */
const CLASSES = `
EBMLElementMetaData EBMLParser EBMLParserCallbacks EBMLTypeInfo EBMLTypeInfoProvider EBMLUtils InputStreamParserByteSource MkvTypeInfos
ParserBulkByteSource ParserByteSource BoundingBoxImagePanel ContinuousGetMediaWorker GetMediaForFragmentListWorker GetMediaWorker ImagePanel
KinesisImageViewer KinesisVideoBoundingBoxFrameViewer KinesisVideoCommon KinesisVideoConsumer KinesisVideoExample KinesisVideoFrameViewer
KinesisVideoGStreamerPiperExample KinesisVideoGetMediaExample KinesisVideoRekognitionIntegrationExample KinesisVideoRendererExample
LMSExample ListFragmentWorker PutMediaWorker StreamOps Yuv420jToRgb LMSDemo DDBBasedFragmentCheckpointManager EncodedFrame
FragmentCheckpoint FragmentCheckpointManager H264FrameProcessor KVSMediaSource KinesisVideoRekognitionLambdaExample
KinesisDataStreamsWorker KinesisRecordProcessor Frame FrameProcessException MkvDataElement MkvElement MkvElementVisitException
MkvElementVisitor MkvEndMasterElement MkvStartMasterElement MkvTypeInfoProvider MkvValue StreamingMkvReader CompositeMkvElementVisitor
CopyVisitor CountVisitor ElementSizeAndOffsetVisitor BoundingBox DetectedFace Face FaceSearchResponse FaceType InputInformation
KinesisVideo Landmark MatchedFace Pose Quality RekognitionInput RekognitionOutput RekognizedFragmentsIndex RekognizedOutput
StreamProcessorInformation RekognitionStreamProcessor BufferedImageUtil DynamoDBHelper FragmentMetadata FragmentMetadataVisitor
FrameRendererVisitor FrameVisitor FrameProcessor H264BoundingBoxFrameRenderer H264FrameDecoder H264FrameEncoder H264FrameRenderer
LMSFrameProcessor MkvChildElementCollector MkvTag MkvTagProcessor BasicMkvTagProcessor MkvTrackMetadata OutputSegmentMerger
ProducerStreamUtil SimpleFrameVisitor FragmentMetadataCallback FragmentProgressTracker GetMediaResponseStreamConsumer
GetMediaResponseStreamConsumerFactory MergedOutputPiper MergedOutputPiperFactory`
  .trim()
  .split(/\s+/);

const page = readFileSync('docs/java.md', 'utf8');
/** The rows of the tables: what stands on the side of Java, and on this one. */
const rows = [...page.matchAll(/^\| (.+?) +\| (.+?) +\|$/gm)].filter(([, java]) => !/^-+$|^Java$/.test(java ?? ''));
/** The classes of a cell: a name with parentheses is a method's. */
const namesIn = (cell: string) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);

describe('docs/java.md', () => {
  it('names every public class of the Java library once', () => {
    const named = rows.flatMap(([, java = '']) => namesIn(java));
    expect(named.filter((name, index) => named.indexOf(name) !== index)).toEqual([]);
    expect([...named].sort()).toEqual([...CLASSES].sort());
  });

  it('says what takes the place of each', () => {
    for (const [, java, here] of rows) expect(here?.trim(), java).toMatch(/\w/);
  });

  it('calls the same what has the same name here', () => {
    const types = readFileSync('src/index.ts', 'utf8');
    for (const [, java = '', here = ''] of rows) {
      if (!here.startsWith('the same')) continue;
      for (const name of namesIn(java)) expect(name in core || types.includes(`type ${name}`), name).toBe(true);
    }
  });
});
