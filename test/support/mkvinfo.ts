import { runTool } from './tools.js';

/** A line of mkvinfo's: an element, or a frame of a Block. */
export interface InfoLine {
  readonly level: number;
  /** The element's name as mkvinfo shows it. */
  readonly label: string;
  /** The value as it is shown; empty where there is none. */
  readonly text: string;
  readonly offset: number;
  /** With the header; `undefined` when unknown. */
  readonly size: number | undefined;
  /** Without the header; `undefined` when unknown, and for frames. */
  readonly dataSize: number | undefined;
}

const LINE = /^(\|? *)\+ (.*?) at (\d+) size (?:is unknown|(\d+)(?: data size (\d+))?)$/;

/**
 * All that mkvinfo finds in a file of one document. It passes over CRC-32 elements in silence.
 *
 * @throws Error when it has anything to complain about
 */
export function runMkvinfo(path: string): InfoLine[] {
  const lines = runTool('mkvinfo', ['--all', '--positions', '--size', path]).trimEnd().split('\n');
  return lines.map((line) => {
    const [found, indent = '', shown = '', offset, size, dataSize] = LINE.exec(line) ?? [];
    if (found === undefined) throw new Error(`mkvinfo says: ${line}`);
    const label = shown.startsWith('(') ? shown : (shown.split(':')[0] ?? '');
    return {
      level: indent.length,
      label,
      text: shown.slice(label.length).replace(/^: ?/, ''),
      offset: Number(offset),
      size: size === undefined ? undefined : Number(size),
      dataSize: dataSize === undefined ? undefined : Number(dataSize),
    };
  });
}

/** What mkvinfo calls the elements that the test files have. */
export const MKVINFO_LABELS: Readonly<Record<string, string>> = {
  EBML: 'EBML head',
  EBMLVersion: 'EBML version',
  EBMLReadVersion: 'EBML read version',
  EBMLMaxIDLength: 'Maximum EBML ID length',
  EBMLMaxSizeLength: 'Maximum EBML size length',
  DocType: 'Document type',
  DocTypeVersion: 'Document type version',
  DocTypeReadVersion: 'Document type read version',
  Segment: 'Segment',
  SeekHead: 'Seek head',
  Seek: 'Seek entry',
  SeekID: 'Seek ID',
  SeekPosition: 'Seek position',
  Void: 'EBML void',
  Info: 'Segment information',
  TimestampScale: 'Timestamp scale',
  MuxingApp: 'Multiplexing application',
  WritingApp: 'Writing application',
  Duration: 'Duration',
  DateUTC: 'Date',
  SegmentUUID: 'Segment UID',
  Tracks: 'Tracks',
  TrackEntry: 'Track',
  TrackNumber: 'Track number',
  TrackUID: 'Track UID',
  TrackType: 'Track type',
  FlagDefault: '"Default track" flag',
  FlagLacing: '"Lacing" flag',
  Language: 'Language',
  CodecID: 'Codec ID',
  CodecPrivate: "Codec's private data",
  DefaultDuration: 'Default duration',
  LanguageBCP47: 'Language (IETF BCP 47)',
  Video: 'Video track',
  PixelWidth: 'Pixel width',
  PixelHeight: 'Pixel height',
  DisplayWidth: 'Display width',
  DisplayHeight: 'Display height',
  Colour: 'Video color information',
  Range: 'Color range',
  ContentEncodings: 'Content encodings',
  ContentEncoding: 'Content encoding',
  ContentCompression: 'Content compression',
  ContentCompAlgo: 'Algorithm',
  ContentCompSettings: 'Settings',
  Cluster: 'Cluster',
  Timestamp: 'Cluster timestamp',
  SimpleBlock: 'Simple block',
  Cues: 'Cues',
  CuePoint: 'Cue point',
  CueTime: 'Cue time',
  CueTrackPositions: 'Cue track positions',
  CueTrack: 'Cue track',
  CueClusterPosition: 'Cue cluster position',
  CueRelativePosition: 'Cue relative position',
  Tags: 'Tags',
  Tag: 'Tag',
  Targets: 'Targets',
  SimpleTag: 'Simple',
  TagName: 'Name',
  TagString: 'String',
  TagTrackUID: 'Track UID',
  FlagInterlaced: 'Interlaced',
  CodecDelay: 'Codec-inherent delay',
  SeekPreRoll: 'Seek pre-roll',
  Audio: 'Audio track',
  Channels: 'Channels',
  SamplingFrequency: 'Sampling frequency',
  BitDepth: 'Bit depth',
  BlockGroup: 'Block group',
  Block: 'Block',
  DiscardPadding: 'Discard padding',
  AlphaMode: '(Unknown element: VideoAlphaMode; ID: 0x53c0 size: 4)',
  BlockAdditions: 'Additions',
  BlockMore: 'More',
  MaxBlockAdditionID: 'Maximum block additional ID',
  BlockAddID: 'Block additional ID',
  BlockAdditional: 'Block additional',
  ReferenceBlock: 'Reference block',
  MatrixCoefficients: 'Color matrix coefficients',
  TransferCharacteristics: 'Color transfer',
  Primaries: 'Color primaries',
  TargetTypeValue: 'Target type value',
  TargetType: 'Target type',
  BlockDuration: 'Block duration',
  Title: 'Title',
  Name: 'Name',
  StereoMode: 'Stereo mode',
  PixelCropBottom: 'Pixel crop bottom',
  PixelCropTop: 'Pixel crop top',
  PixelCropLeft: 'Pixel crop left',
  PixelCropRight: 'Pixel crop right',
  MaxCLL: 'Maximum content light',
  MaxFALL: 'Maximum frame light',
  MasteringMetadata: 'Video color mastering metadata',
  PrimaryRChromaticityX: 'Red color coordinate x',
  PrimaryRChromaticityY: 'Red color coordinate y',
  PrimaryGChromaticityX: 'Green color coordinate x',
  PrimaryGChromaticityY: 'Green color coordinate y',
  PrimaryBChromaticityX: 'Blue color coordinate x',
  PrimaryBChromaticityY: 'Blue color coordinate y',
  WhitePointChromaticityX: 'White color coordinate x',
  WhitePointChromaticityY: 'White color coordinate y',
  LuminanceMax: 'Maximum luminance',
  LuminanceMin: 'Minimum luminance',
  Projection: 'Video projection',
  ProjectionType: 'Projection type',
  ProjectionPoseYaw: "Projection's yaw rotation",
  FlagHearingImpaired: '"Hearing impaired" flag',
  Attachments: 'Attachments',
  AttachedFile: 'Attached',
  FileName: 'File name',
  FileMediaType: 'MIME type',
  FileData: 'File data',
  FileUID: 'File UID',
  FileDescription: 'File description',
  Chapters: 'Chapters',
  EditionEntry: 'Edition entry',
  EditionUID: 'Edition UID',
  EditionFlagDefault: 'Edition flag default',
  ChapterAtom: 'Chapter atom',
  ChapterUID: 'Chapter UID',
  ChapterTimeStart: 'Chapter time start',
  ChapterTimeEnd: 'Chapter time end',
  ChapterDisplay: 'Chapter display',
  ChapString: 'Chapter string',
  ChapLanguage: 'Chapter language',
  ChapLanguageBCP47: 'Chapter language (IETF BCP 47)',
  CueDuration: 'Cue duration',
  TagLanguage: 'Tag language',
  TagLanguageBCP47: 'Tag language (IETF BCP 47)',
  TagBinary: 'Binary',
  MinCache: 'Minimum cache',
  ChromaSitingHorz: 'Horizontal chroma siting',
  ChromaSitingVert: 'Vertical chroma siting',
  Position: 'Cluster position',
  DisplayUnit: 'Display unit',
};
