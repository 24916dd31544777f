import { ArchivePackager, type FragmentArchive, Packager } from 'kvs-parser/hls';
import { toNodeListener } from 'kvs-parser/hls/node';

export async function use(bytes: Uint8Array, archive: FragmentArchive): Promise<void> {
  const packager = new Packager({ playbackMode: 'ON_DEMAND', maxFragmentResults: 'all' });
  await packager.feed(bytes);
  toNodeListener(packager.handler)({}, {});
  new ArchivePackager(archive, { playbackMode: 'LIVE_REPLAY' });
  // @ts-expect-error one of the service's modes
  new Packager({ playbackMode: 'OTHER' });
}
