/** The Matroska elements of RFC 9559 (and of its predecessors), in the short form that `parseSchema` of ../ebml reads. */
export const MATROSKA_SCHEMA = `
0Segment 18538067 m!?
1SeekHead 114d9b74 m2
2Seek 4dbb m!*
3SeekID 53ab b!
3SeekPosition 53ac u!
1Info 1549a966 m!r
2SegmentUUID 73a4 b
2SegmentFilename 7384 8
2PrevUUID 3cb923 b
2PrevFilename 3c83ab 8
2NextUUID 3eb923 b
2NextFilename 3e83bb 8
2SegmentFamily 4444 b*
2ChapterTranslate 6924 m*
3ChapterTranslateID 69a5 b!
3ChapterTranslateCodec 69bf u!
3ChapterTranslateEditionUID 69fc U*
2TimestampScale 2ad7b1 u! 1000000
2Duration 4489 f
2DateUTC 4461 d
2Title 7ba9 8
2MuxingApp 4d80 8!
2WritingApp 5741 8!
1Cluster 1f43b675 m*?
2Timestamp e7 u!
2SilentTracks 5854 m
3SilentTrackNumber 58d7 u*
2Position a7 u
2PrevSize ab u
2SimpleBlock a3 b*
2BlockGroup a0 m*
3Block a1 b!
3BlockVirtual a2 b
3BlockAdditions 75a1 m
4BlockMore a6 m!*
5BlockAdditional a5 b!
5BlockAddID ee u! 1
3BlockDuration 9b u
3ReferencePriority fa u! 0
3ReferenceBlock fb i*
3ReferenceVirtual fd i
3CodecState a4 b
3DiscardPadding 75a2 i
3Slices 8e m
4TimeSlice e8 m*
5LaceNumber cc u
5FrameNumber cd u 0
5BlockAdditionID cb u 0
5Delay ce u 0
5SliceDuration cf u 0
3ReferenceFrame c8 m
4ReferenceOffset c9 u!
4ReferenceTimestamp ca u!
2EncryptedBlock af b*
1Tracks 1654ae6b mr
2TrackEntry ae m!*
3TrackNumber d7 u!
3TrackUID 73c5 U!
3TrackType 83 u!
3FlagEnabled b9 u! 1
3FlagDefault 88 u! 1
3FlagForced 55aa u! 0
3FlagHearingImpaired 55ab u
3FlagVisualImpaired 55ac u
3FlagTextDescriptions 55ad u
3FlagOriginal 55ae u
3FlagCommentary 55af u
3FlagLacing 9c u! 1
3MinCache 6de7 u! 0
3MaxCache 6df8 u
3DefaultDuration 23e383 u
3DefaultDecodedFieldDuration 234e7a u
3TrackTimestampScale 23314f f! 1
3TrackOffset 537f i 0
3MaxBlockAdditionID 55ee u! 0
3BlockAdditionMapping 41e4 m*
4BlockAddIDValue 41f0 u
4BlockAddIDName 41a4 s
4BlockAddIDType 41e7 u! 0
4BlockAddIDExtraData 41ed b
3Name 536e 8
3Language 22b59c s! eng
3LanguageBCP47 22b59d s
3CodecID 86 s!
3CodecPrivate 63a2 b
3CodecName 258688 8
3AttachmentLink 7446 U
3CodecSettings 3a9697 8
3CodecInfoURL 3b4040 s*
3CodecDownloadURL 26b240 s*
3CodecDecodeAll aa u! 1
3TrackOverlay 6fab u*
3CodecDelay 56aa u! 0
3SeekPreRoll 56bb u! 0
3TrackTranslate 6624 m*
4TrackTranslateTrackID 66a5 b!
4TrackTranslateCodec 66bf u!
4TrackTranslateEditionUID 66fc U*
3Video e0 m
4FlagInterlaced 9a u! 0
4FieldOrder 9d u! 2
4StereoMode 53b8 u! 0
4AlphaMode 53c0 u! 0
4OldStereoMode 53b9 u
4PixelWidth b0 u!
4PixelHeight ba u!
4PixelCropBottom 54aa u! 0
4PixelCropTop 54bb u! 0
4PixelCropLeft 54cc u! 0
4PixelCropRight 54dd u! 0
4DisplayWidth 54b0 u
4DisplayHeight 54ba u
4DisplayUnit 54b2 u! 0
4AspectRatioType 54b3 u 0
4UncompressedFourCC 2eb524 b
4GammaValue 2fb523 f
4FrameRate 2383e3 f
4Colour 55b0 m
5MatrixCoefficients 55b1 u! 2
5BitsPerChannel 55b2 u! 0
5ChromaSubsamplingHorz 55b3 u
5ChromaSubsamplingVert 55b4 u
5CbSubsamplingHorz 55b5 u
5CbSubsamplingVert 55b6 u
5ChromaSitingHorz 55b7 u! 0
5ChromaSitingVert 55b8 u! 0
5Range 55b9 u! 0
5TransferCharacteristics 55ba u! 2
5Primaries 55bb u! 2
5MaxCLL 55bc u
5MaxFALL 55bd u
5MasteringMetadata 55d0 m
6PrimaryRChromaticityX 55d1 f
6PrimaryRChromaticityY 55d2 f
6PrimaryGChromaticityX 55d3 f
6PrimaryGChromaticityY 55d4 f
6PrimaryBChromaticityX 55d5 f
6PrimaryBChromaticityY 55d6 f
6WhitePointChromaticityX 55d7 f
6WhitePointChromaticityY 55d8 f
6LuminanceMax 55d9 f
6LuminanceMin 55da f
4Projection 7670 m
5ProjectionType 7671 u! 0
5ProjectionPrivate 7672 b
5ProjectionPoseYaw 7673 f! 0
5ProjectionPosePitch 7674 f! 0
5ProjectionPoseRoll 7675 f! 0
3Audio e1 m
4SamplingFrequency b5 f! 8000
4OutputSamplingFrequency 78b5 f
4Channels 9f u! 1
4ChannelPositions 7d7b b
4BitDepth 6264 u
4Emphasis 52f1 u! 0
3TrackOperation e2 m
4TrackCombinePlanes e3 m
5TrackPlane e4 m!*
6TrackPlaneUID e5 U!
6TrackPlaneType e6 u!
4TrackJoinBlocks e9 m
5TrackJoinUID ed U!*
3TrickTrackUID c0 U
3TrickTrackSegmentUID c1 b
3TrickTrackFlag c6 u 0
3TrickMasterTrackUID c7 U
3TrickMasterTrackSegmentUID c4 b
3ContentEncodings 6d80 m
4ContentEncoding 6240 m!*
5ContentEncodingOrder 5031 u! 0
5ContentEncodingScope 5032 u! 1
5ContentEncodingType 5033 u! 0
5ContentCompression 5034 m
6ContentCompAlgo 4254 u! 0
6ContentCompSettings 4255 b
5ContentEncryption 5035 m
6ContentEncAlgo 47e1 u! 0
6ContentEncKeyID 47e2 b
6ContentEncAESSettings 47e7 m
7AESSettingsCipherMode 47e8 u!
6ContentSignature 47e3 b
6ContentSigKeyID 47e4 b
6ContentSigAlgo 47e5 u 0
6ContentSigHashAlgo 47e6 u 0
1Cues 1c53bb6b m
2CuePoint bb m!*
3CueTime b3 u!
3CueTrackPositions b7 m!*
4CueTrack f7 u!
4CueClusterPosition f1 u!
4CueRelativePosition f0 u
4CueDuration b2 u
4CueBlockNumber 5378 u
4CueCodecState ea u! 0
4CueReference db m*
5CueRefTime 96 u!
5CueRefCluster 97 u!
5CueRefNumber 535f u 1
5CueRefCodecState eb u 0
1Attachments 1941a469 m
2AttachedFile 61a7 m!*
3FileDescription 467e 8
3FileName 466e 8!
3FileMediaType 4660 s!
3FileData 465c b!
3FileUID 46ae U!
3FileReferral 4675 b
3FileUsedStartTime 4661 u
3FileUsedEndTime 4662 u
1Chapters 1043a770 mr
2EditionEntry 45b9 m!*
3EditionUID 45bc U
3EditionFlagHidden 45bd u! 0
3EditionFlagDefault 45db u! 0
3EditionFlagOrdered 45dd u! 0
3EditionDisplay 4520 m*
4EditionString 4521 8!
4EditionLanguageIETF 45e4 s*
3ChapterAtom b6 m!*+
4ChapterUID 73c4 U!
4ChapterStringUID 5654 8
4ChapterTimeStart 91 u!
4ChapterTimeEnd 92 u
4ChapterFlagHidden 98 u! 0
4ChapterFlagEnabled 4598 u! 1
4ChapterSegmentUUID 6e67 b
4ChapterSkipType 4588 u
4ChapterSegmentEditionUID 6ebc U
4ChapterPhysicalEquiv 63c3 u
4ChapterTrack 8f m
5ChapterTrackUID 89 U!*
4ChapterDisplay 80 m*
5ChapString 85 8!
5ChapLanguage 437c s!* eng
5ChapLanguageBCP47 437d s*
5ChapCountry 437e s*
4ChapProcess 6944 m*
5ChapProcessCodecID 6955 u! 0
5ChapProcessPrivate 450d b
5ChapProcessCommand 6911 m*
6ChapProcessTime 6922 u!
6ChapProcessData 6933 b!
1Tags 1254c367 m*
2Tag 7373 m!*
3Targets 63c0 m!
4TargetTypeValue 68ca u! 50
4TargetType 63ca s
4TagTrackUID 63c5 U* 0
4TagEditionUID 63c9 U* 0
4TagChapterUID 63c4 U* 0
4TagAttachmentUID 63c6 U* 0
4TagBlockAddIDValue 63c7 u* 0
3SimpleTag 67c8 m!*+
4TagName 45a3 8!
4TagLanguage 447a s! und
4TagLanguageBCP47 447b s
4TagDefault 4484 u! 1
4TagDefaultBogus 44b4 u! 1
4TagString 4487 8
4TagBinary 4485 b
`;
