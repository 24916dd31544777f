// The types of the AWS SDK that are used here, for declarations. Who reads live streams only does not have the package of the archived media,
// and the other way round: what is not installed is then `any` in the declarations, instead of an error where `skipLibCheck` is off. The
// comments go into them, and have to be of this kind for that.

// biome-ignore lint/suspicious/noTsIgnore: here is no error; there is one where the package is not installed
/** @ts-ignore */
export type {
  APIName,
  GetDataEndpointCommand,
  GetDataEndpointCommandOutput,
  KinesisVideoClientConfig,
} from '@aws-sdk/client-kinesis-video';

// biome-ignore lint/suspicious/noTsIgnore: here is no error; there is one where the package is not installed
/** @ts-ignore */
export type {
  FragmentSelectorType,
  GetClipCommand,
  GetClipCommandOutput,
  GetDASHStreamingSessionURLCommand,
  GetDASHStreamingSessionURLCommandInput,
  GetDASHStreamingSessionURLCommandOutput,
  GetHLSStreamingSessionURLCommand,
  GetHLSStreamingSessionURLCommandInput,
  GetHLSStreamingSessionURLCommandOutput,
  GetImagesCommand,
  GetImagesCommandOutput,
  GetMediaForFragmentListCommand,
  GetMediaForFragmentListCommandOutput,
  ImageSelectorType,
  KinesisVideoArchivedMediaClientConfig,
  ListFragmentsCommand,
  ListFragmentsCommandOutput,
} from '@aws-sdk/client-kinesis-video-archived-media';

// biome-ignore lint/suspicious/noTsIgnore: here is no error; there is one where the package is not installed
/** @ts-ignore */
export type {
  GetMediaCommand,
  GetMediaCommandOutput,
  KinesisVideoMediaClientConfig,
  StartSelector,
} from '@aws-sdk/client-kinesis-video-media';
