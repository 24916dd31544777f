import { useEffect, useRef, useState } from 'preact/hooks';
import { saveFile } from './files.js';
import { secondsText } from './format.js';
import { notice } from './notice.js';
import { PictureSource, type ShownPicture } from './picture-source.js';
import { Playback } from './playback.js';
import { messageOf, type Session } from './session.js';
import { ShownText } from './shown-text.js';
import { timeKeys } from './time-axis.js';
import { TrackChoice } from './track-choice.js';

/** So many frames behind the one that is shown are decoded with it, for the next steps. */
const AHEAD = 8;

const RATES = [0.25, 0.5, 1, 2, 4, 8];

/** The picture of the cursor's frame, and the stream played from there. */
export function PlayerPane({ session }: { readonly session: Session }) {
  const { data, model } = session;
  const source = useRef<PictureSource>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const playback = useRef<Playback>(null);
  const [picture, setPicture] = useState<ShownPicture>();
  const [problem, setProblem] = useState('');
  const [playProblem, setPlayProblem] = useState('');
  const [isPlaying, setPlaying] = useState(false);
  const [rate, setRate] = useState(1);
  useEffect(() => {
    const made = new PictureSource(session.ask);
    source.current = made;
    return () => {
      made.clear();
      playback.current?.stop();
    };
  }, [session]);
  const { frame } = session.cursor.value;
  const track = frame === undefined ? undefined : model.trackOf(frame);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a frame of a number stays as it is, while model and data say more of others
  useEffect(() => {
    const row = frame === undefined ? undefined : data.frames.row(frame);
    if (isPlaying || row === undefined || frame === undefined || track?.type !== 'video') return;
    const stop = new AbortController();
    const { signal } = stop;
    source.current
      ?.picture({ frame, timestamp: row.timestamp, ahead: model.aheadOf(frame, AHEAD) }, signal)
      .then((shown) => {
        if (signal.aborted) return;
        draw(canvas.current, shown);
        setPicture(shown);
        setProblem('');
      })
      .catch((error: unknown) => {
        if (signal.aborted) return;
        setPicture(undefined);
        setProblem(`Frame ${frame} cannot be shown: ${messageOf(error)}.`);
      });
    return () => stop.abort();
  }, [frame, isPlaying, track?.type]);

  const play = async () => {
    if (isPlaying) {
      playback.current?.stop();
      return;
    }
    const element = video.current;
    if (element === null) return;
    const made = new Playback(session, element);
    playback.current = made;
    setPlaying(true);
    setPlayProblem('');
    try {
      await made.play(rate, setPlayProblem);
    } catch (error) {
      setPlayProblem(`It cannot be played: ${messageOf(error)}.`);
    }
    setPlaying(false);
  };
  const savePicture = () => {
    if (picture === undefined) return;
    canvas.current?.toBlob((blob) => {
      if (blob === null) notice.value = 'The picture cannot be saved.';
      else saveFile(`frame-${picture.frame}.png`, blob);
    }, 'image/png');
  };
  const videos = [...model.trackNumbers.values()].filter(({ type }) => type === 'video');
  const isShown = picture !== undefined && picture.frame === frame;
  return (
    <section class="player" aria-label="Player" onKeyDown={(event) => onKey(event, session, play)}>
      <div class="screen">
        <canvas
          ref={canvas}
          hidden={isPlaying || !isShown}
          role="img"
          aria-label={isShown ? `Picture of frame ${picture.frame}` : 'No picture'}
          data-frame={isShown ? picture.frame : undefined}
        />
        {/* biome-ignore lint/a11y/useMediaCaption: the stream has no captions */}
        <video ref={video} hidden={!isPlaying} playsInline aria-label="The stream as it is played" />
        {!isPlaying && !isShown && problem === '' && playProblem === '' && (
          <p class="quiet">
            {videos.length === 0 && data.state.phase !== 'reading'
              ? 'There is no video in this stream.'
              : track !== undefined && track.type !== 'video'
                ? `The cursor is on a frame of ${track.type}.`
                : 'Choose a frame to see its picture.'}
          </p>
        )}
        {[isPlaying ? '' : problem, playProblem].map(
          (text) =>
            text !== '' && (
              <p role="alert" class="problem" key={text}>
                <ShownText text={text} most={400} />
              </p>
            ),
        )}
      </div>
      <div class="tools">
        <button
          type="button"
          onClick={() => session.stepKey(-1)}
          aria-label="Key frame before"
          title="Key frame before (j)"
        >
          |◀
        </button>
        <button type="button" onClick={() => session.step(-1)} aria-label="Frame before" title="Frame before (←)">
          ◀
        </button>
        <button type="button" class="play" onClick={play} title="Play or stop (space)">
          {isPlaying ? 'Stop' : 'Play'}
        </button>
        <button type="button" onClick={() => session.step(1)} aria-label="Next frame" title="Next frame (→)">
          ▶
        </button>
        <button type="button" onClick={() => session.stepKey(1)} aria-label="Next key frame" title="Next key frame (k)">
          ▶|
        </button>
        <label>
          Speed{' '}
          <select
            value={String(rate)}
            onChange={({ currentTarget }) => {
              const next = Number(currentTarget.value);
              setRate(next);
              playback.current?.setRate(next);
            }}
          >
            {RATES.map((each) => (
              <option key={each} value={String(each)}>
                {each}×
              </option>
            ))}
          </select>
        </label>
        {videos.length > 1 && (
          <TrackChoice
            label="Track"
            tracks={videos}
            chosen={session.playedTrack}
            onChoose={(number) => {
              session.track.value = number;
              const { time } = session.cursor.value;
              if (time !== undefined) session.toTime(time);
            }}
          />
        )}
        <button type="button" disabled={!isShown} onClick={savePicture}>
          Save picture
        </button>
        {isShown && (
          <span class="quiet" data-testid="picture">
            Frame {picture.frame} at {secondsText(picture.timestamp)} s, {picture.image.width}×{picture.image.height}
          </span>
        )}
      </div>
    </section>
  );
}

function onKey(event: KeyboardEvent, session: Session, play: () => void): void {
  const { target } = event;
  if (target instanceof HTMLSelectElement) return;
  if (event.key === ' ' && !(target instanceof HTMLButtonElement)) {
    event.preventDefault();
    play();
    return;
  }
  timeKeys(session, event);
}

/** Draws a picture in its own size; the style sheet gives it the place that there is. */
function draw(canvas: HTMLCanvasElement | null, { image, width, height }: ShownPicture): void {
  if (canvas === null) return;
  canvas.width = image.width;
  canvas.height = image.height;
  // Pixels that are not square: the picture keeps its samples, and is shown in its shape.
  canvas.style.aspectRatio = `${width} / ${height}`;
  canvas.style.maxWidth = `calc(62vh * ${width / height})`;
  canvas.getContext('2d')?.drawImage(image, 0, 0);
}
