import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripHeaders, writeWithUnknownSizes } from './made-media.js';
import { recordInBrowser } from './media-recorder.js';
import { type Need, runTool, type Tool, tools } from './tools.js';

/** The need for the programs that make test files. */
export const MEDIA: Need = tools('ffmpeg', 'mkvmerge');

/** Texts that commands read, by the name in `{text NAME}`. */
const TEXTS = {
  chapters: `<?xml version="1.0"?>
<Chapters><EditionEntry><EditionUID>9000000000000000001</EditionUID><EditionFlagDefault>1</EditionFlagDefault>
<ChapterAtom><ChapterUID>18446744073709551615</ChapterUID>
<ChapterTimeStart>00:00:00.000000000</ChapterTimeStart><ChapterTimeEnd>00:00:02.000000000</ChapterTimeEnd>
<ChapterDisplay><ChapterString>Ganzes Stück</ChapterString><ChapterLanguage>ger</ChapterLanguage></ChapterDisplay>
<ChapterAtom><ChapterUID>2</ChapterUID><ChapterTimeStart>00:00:00.500000000</ChapterTimeStart>
<ChapterDisplay><ChapterString>第二章</ChapterString><ChapterLanguage>jpn</ChapterLanguage></ChapterDisplay>
<ChapterAtom><ChapterUID>3</ChapterUID><ChapterTimeStart>00:00:00.750000000</ChapterTimeStart>
<ChapterDisplay><ChapterString>Part of a part</ChapterString><ChapterLanguage>eng</ChapterLanguage></ChapterDisplay>
</ChapterAtom></ChapterAtom></ChapterAtom></EditionEntry></Chapters>`,
  tags: `<?xml version="1.0"?>
<Tags><Tag><Targets><TargetTypeValue>50</TargetTypeValue><TargetType>MOVIE</TargetType></Targets>
<Simple><Name>TITLE</Name><String>Nested</String><TagLanguage>eng</TagLanguage>
<Simple><Name>SORT_WITH</Name><String>nested</String><Simple><Name>DEEP</Name><String>deeper</String></Simple></Simple>
</Simple><Simple><Name>BYTES</Name><Binary format="hex">00 01 fe ff</Binary></Simple></Tag></Tags>`,
  subtitles: '1\n00:00:00,100 --> 00:00:00,900\nOne\n\n2\n00:00:01,000 --> 00:00:01,700\nTwo\n',
} as const;

const PICTURE = '-f lavfi -i testsrc=s=160x120:r=25:d=2';
const SOUND = '-f lavfi -i sine=f=440:d=2';
const H264 = '-c:v libx264 -preset veryfast -g 25 -bf 2 -pix_fmt yuv420p';
const VP8 = '-c:v libvpx -deadline realtime -cpu-used 8 -g 25';

/** A file made by a program: its command line, where `{NAME}` is another file, `{text NAME}` a text and `{out}` what is made. */
interface Command {
  readonly command: string;
}

/** A file made by the tests themselves. */
interface Made {
  readonly from: MediaName;
  readonly make: (source: Uint8Array) => Uint8Array | Promise<Uint8Array>;
}

/** A file that comes out differently each time, so that it is kept under its name alone. */
interface Recorded {
  readonly needs: Tool;
  readonly record: () => Promise<Uint8Array>;
}

/** What other files are made from. */
const INGREDIENTS = {
  /** Noise makes frames of more than 255 bytes, which Xiph lacing writes in several. */
  'vorbis.ogg': { command: 'ffmpeg -f lavfi -i anoisesrc=d=2:a=0.5:seed=1 -ac 2 -c:a libvorbis -q:a 8 -f ogg {out}' },
  'opus.ogg': { command: `ffmpeg ${SOUND} -c:a libopus -b:a 32k -f ogg {out}` },
} as const satisfies Record<string, Command>;

/** What the files are for, by their names. Most are of 2 s, 160 x 120. */
const RECIPES = {
  /** B-frames, CRC-32, Cues, Tags, two tracks. */
  'h264-aac.mkv': { command: `ffmpeg ${PICTURE} ${SOUND} ${H264} -c:a aac -b:a 48k -f matroska {out}` },
  'no-crc.mkv': { command: `ffmpeg ${PICTURE} ${SOUND} ${H264} -c:a aac -write_crc32 0 -f matroska {out}` },
  /** A Segment of unknown size. */
  'live.webm': { command: `ffmpeg ${PICTURE} ${SOUND} ${VP8} -c:a libopus -b:a 32k -live 1 -f webm {out}` },
  /** Segment and Clusters of unknown size. */
  'unknown-clusters.webm': { from: 'live.webm', make: writeWithUnknownSizes },
  /** What a browser records: Segment and Clusters of unknown size, once more. */
  'media-recorder.webm': { needs: 'chromium', record: recordInBrowser },
  'dash.webm': { command: `ffmpeg ${PICTURE} ${VP8} -dash 1 -f webm {out}` },
  /** Transparency in BlockAdditions. */
  'alpha.webm': { command: `ffmpeg ${PICTURE} -vf format=yuva420p ${VP8} -auto-alt-ref 0 -f webm {out}` },
  'ebml-lacing.mkv': { command: 'mkvmerge --engage lacing_ebml -o {out} {h264-aac.mkv}' },
  'xiph-lacing.mkv': { command: 'mkvmerge --engage lacing_xiph -o {out} {vorbis.ogg}' },
  'ac3.mkv': { command: `ffmpeg ${SOUND} -ar 48000 -c:a ac3 -b:a 64k -f matroska {out}` },
  /** What mkvmerge chooses by itself where the frames are of one size. */
  'fixed-size-lacing.mkv': { command: 'mkvmerge -o {out} {ac3.mkv}' },
  /** The frames of ac3.mkv without their sync word. (mkvmerge 74 writes wrong bytes when it strips those of MPEG-4.) */
  'header-stripping.mkv': { from: 'ac3.mkv', make: stripHeaders },
  /** BlockGroups with ReferenceBlock, and with BlockDuration. */
  'block-groups.mkv': { command: 'mkvmerge --engage no_simpleblocks -o {out} {h264-aac.mkv} {text subtitles}' },
  /** CodecDelay, SeekPreRoll, DiscardPadding. */
  'opus.mkv': { command: 'mkvmerge -o {out} {opus.ogg}' },
  'zlib.mkv': { command: 'mkvmerge --compression 0:zlib -o {out} {h264-aac.mkv}' },
  /** A TimestampScale of 0.1 ms. */
  'fine-timestamps.mkv': { command: 'mkvmerge --timestamp-scale 100000 -o {out} {h264-aac.mkv}' },
  /** Four tracks, Chapters, Attachments, nested Tags, Cues, two SeekHeads, all about colour and projection. */
  'everything.mkv': {
    command: `mkvmerge -o {out} --title Everything --chapters {text chapters} --global-tags {text tags}
      --attachment-mime-type text/plain --attachment-name note.txt --attachment-description Note --attach-file {text subtitles}
      --clusters-in-meta-seek --cluster-length 500ms --track-name 0:Camera --language 1:de --hearing-impaired-flag 1:1
      --colour-matrix-coefficients 0:9 --max-content-light 0:1000 --max-frame-light 0:400
      --chromaticity-coordinates 0:0.68,0.32,0.265,0.69,0.15,0.06 --white-colour-coordinates 0:0.3127,0.329
      --max-luminance 0:1000 --min-luminance 0:0.01 --projection-type 0:1 --projection-pose-yaw 0:10.5
      --stereo-mode 0:1 --cropping 0:1,2,3,4 {h264-aac.mkv} {vorbis.ogg} {text subtitles}`,
  },
} as const satisfies Record<string, Command | Recorded | { readonly from: string; readonly make: Made['make'] }>;

/** The name of a test file. */
export type MediaName = keyof typeof RECIPES;

/** All test files, less those whose tool is missing; in CI none is left out, so that their tests fail. */
export const MEDIA_NAMES: readonly MediaName[] = (Object.keys(RECIPES) as MediaName[]).filter((name) => {
  const recipe: Command | Made | Recorded = RECIPES[name];
  const missing = 'needs' in recipe ? tools(recipe.needs).missing : undefined;
  const { CI } = process.env;
  if (missing === undefined || CI === 'true') return true;
  console.warn(`skipped: all with ${name}: ${missing}`);
  return false;
});

const FOLDER = join(tmpdir(), 'kvs-parser-test-media');
mkdirSync(FOLDER, { recursive: true });

/** The path of a test file; it is made when it is not there yet. */
export async function mediaPath(name: MediaName): Promise<string> {
  const recipe: Command | Made | Recorded = RECIPES[name];
  if ('command' in recipe) return runRecipe(name, recipe.command);
  if ('record' in recipe) {
    const path = join(FOLDER, name);
    if (!existsSync(path)) renameSync(keep(name, await recipe.record()), path);
    return path;
  }
  const made = await recipe.make(await mediaBytes(recipe.from));
  return keep(name, made);
}

/** The bytes of a test file. */
export async function mediaBytes(name: MediaName): Promise<Uint8Array> {
  return new Uint8Array(readFileSync(await mediaPath(name)));
}

/** Runs a command once: its result lies under a name that depends on all that went in. */
function runRecipe(name: string, command: string): string {
  const words = command.split(/\s+(?![^{]*\})/).map((word) =>
    word.replace(/^\{(text )?(\S+)\}$/, (whole, text: string | undefined, key: string) => {
      if (key === 'out') return whole;
      if (text !== undefined) return keep(key, new TextEncoder().encode(entry(TEXTS, key)));
      return runRecipe(key, entry<Command>({ ...INGREDIENTS, ...COMMANDS }, key).command);
    }),
  );
  const path = join(FOLDER, `${digest(words.join('\n'))}-${name}`);
  if (existsSync(path)) return path;
  const unfinished = `${path}.${randomUUID()}`;
  const [program = '', ...args] = words.map((word) => (word === '{out}' ? unfinished : word));
  if (program === 'ffmpeg') runTool(program, ['-v', 'error', '-y', ...args]);
  // 1 says that there were warnings.
  else if (program === 'mkvmerge') runTool(program, ['--quiet', ...args], { okay: [0, 1] });
  else throw new Error(`${program} makes no files`);
  renameSync(unfinished, path);
  return path;
}

const COMMANDS: Record<string, Command> = Object.fromEntries(
  Object.entries(RECIPES).flatMap(([name, recipe]) => ('command' in recipe ? [[name, recipe]] : [])),
);

/** The path of a file with these bytes, among the temporary files. */
export function keep(name: string, bytes: Uint8Array): string {
  const path = join(FOLDER, `${digest(bytes)}-${name}`);
  if (existsSync(path)) return path;
  const unfinished = `${path}.${randomUUID()}`;
  writeFileSync(unfinished, bytes);
  renameSync(unfinished, path);
  return path;
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}

function entry<T>(table: Readonly<Record<string, T>>, key: string): T {
  const found = table[key];
  if (found === undefined) throw new Error(`no recipe for ${key}`);
  return found;
}
