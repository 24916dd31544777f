declare module 'm3u8-parser' {
  interface Part {
    uri: string;
    duration: number;
    independent?: boolean;
  }
  interface ParsedSegment {
    uri: string;
    duration: number;
    discontinuity?: boolean;
    dateTimeString?: string;
    map?: { uri: string };
    parts?: Part[];
  }
  interface Manifest {
    endList?: boolean;
    playlistType?: string;
    mediaSequence: number;
    discontinuitySequence?: number;
    targetDuration: number;
    partTargetDuration?: number;
    segments: ParsedSegment[];
    preloadSegment?: { parts?: Part[]; preloadHints?: { type: string; uri: string }[] };
    serverControl?: Record<string, number | boolean>;
    skip?: { skippedSegments: number };
    renditionReports?: { uri: string; lastMsn: number; lastPart?: number }[];
    playlists?: { uri: string; attributes: Record<string, unknown> }[];
    mediaGroups: { AUDIO: Record<string, Record<string, { uri: string; default: boolean }>> };
  }
  export class Parser {
    manifest: Manifest;
    push(text: string): void;
    end(): void;
    on(type: 'warn', listener: (warning: { message: string }) => void): void;
  }
}

declare module 'mpd-parser' {
  interface ParsedPlaylist {
    attributes: Record<string, unknown>;
    segments: {
      uri: string;
      resolvedUri: string;
      duration: number;
      number: number;
      presentationTime: number;
      discontinuity?: boolean;
      map: { resolvedUri: string };
    }[];
    endList: boolean;
  }
  export function parse(
    manifest: string,
    options: { manifestUri: string; eventHandler?: (event: { type: string; message: string }) => void },
  ): {
    duration: number;
    playlists: ParsedPlaylist[];
    mediaGroups: { AUDIO: Record<string, Record<string, { playlists: ParsedPlaylist[] }>> };
  };
}
