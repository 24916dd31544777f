import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Charts } from './charts.js';
import { ConnectionPane } from './connection-pane.js';
import { ElementsPane } from './elements-pane.js';
import { FindingsPane } from './findings-pane.js';
import { sizeText, spanText } from './format.js';
import { FragmentsPane } from './fragments-pane.js';
import { FramesPane } from './frames-pane.js';
import { notice } from './notice.js';
import { PlayerPane } from './player-pane.js';
import { absolute } from './served.js';
import { openSource, type PaneName, type Session, served, session } from './session.js';
import { ShownText } from './shown-text.js';
import { type Tab, Tabs } from './tabs.js';
import { TagsPane } from './tags-pane.js';
import { Thumbnails } from './thumbnails.js';
import { TimeAxis } from './time-axis.js';
import { TracksPane } from './tracks-pane.js';
import { visibleText } from './visible-text.js';
import { WaveForms } from './wave-form.js';

/** The whole page. */
export function App() {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    const over = (event: DragEvent) => {
      event.preventDefault();
      setOver(event.dataTransfer?.types.includes('Files') === true);
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) openFile(file);
    };
    addEventListener('dragover', over, { signal });
    addEventListener('dragleave', () => setOver(false), { signal });
    addEventListener('drop', drop, { signal });
    return () => stop.abort();
  }, []);
  const opened = session.value;
  return (
    <div class={isOver ? 'app over' : 'app'}>
      <Header opened={opened} />
      {opened === undefined ? <Welcome /> : <Opened key={opened.id} opened={opened} />}
      <div role="status" class="notice">
        {visibleText(notice.value)}
      </div>
    </div>
  );
}

/** Opens a file that a user chose: it is read in the page and goes nowhere. */
function openFile(file: File): void {
  openSource({ kind: 'blob', blob: file, name: file.name });
}

function Header({ opened }: { readonly opened: Session | undefined }) {
  const files = served.value?.files ?? [];
  return (
    <header>
      <h1>kvs view</h1>
      {opened !== undefined && (
        <span class="name">
          <ShownText text={opened.source.name} most={120} />
        </span>
      )}
      {opened !== undefined && <Progress opened={opened} />}
      {files.length > 1 && (
        <label>
          File{' '}
          <select
            onChange={({ currentTarget }) => {
              const file = files[Number(currentTarget.value)];
              if (file !== undefined) openSource({ kind: 'url', ...file, url: absolute(file.url) });
            }}
          >
            {files.map(({ name }, index) => (
              <option key={name} value={String(index)}>
                {visibleText(name)}
              </option>
            ))}
          </select>
        </label>
      )}
      <FileButton />
    </header>
  );
}

function FileButton() {
  return (
    <label class="file">
      Open a file…
      <input
        type="file"
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0];
          if (file !== undefined) openFile(file);
          // The same file may be chosen again.
          currentTarget.value = '';
        }}
      />
    </label>
  );
}

function Progress({ opened }: { readonly opened: Session }) {
  const { phase, bytesRead, size } = opened.data.state;
  const { delay } = opened.data;
  if (phase === 'live') {
    return (
      <span class="progress">
        <span class="live">live</span> {delay !== undefined && `${spanText(Math.max(0, delay))} behind, `}
        {sizeText(bytesRead)} read
        <label>
          <input
            type="checkbox"
            checked={opened.follows.value}
            onChange={({ currentTarget }) => opened.follow(currentTarget.checked)}
          />
          follow
        </label>
      </span>
    );
  }
  if (phase !== 'reading') return <span class="progress">{sizeText(size ?? bytesRead)}</span>;
  return (
    <span class="progress">
      <progress aria-label="Reading" max={size ?? 1} value={size === undefined ? undefined : bytesRead} />{' '}
      {sizeText(bytesRead)}
      {size !== undefined && ` of ${sizeText(size)}`}
    </span>
  );
}

function Welcome() {
  return (
    <main class="welcome">
      <h2>What is in this stream?</h2>
      <p>
        Drop a recording of Kinesis Video Streams on this page, or any Matroska or WebM file. It is read here: no byte
        of it leaves this page.
      </p>
      <FileButton />
      <p class="quiet">
        Or run <code>npx kvs view FILE</code> or <code>npx kvs view --stream NAME</code>.
      </p>
    </main>
  );
}

function Opened({ opened }: { readonly opened: Session }) {
  const { data } = opened;
  const { phase, error, limits, bytesRead } = data.state;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version says that there is more to follow
  useEffect(() => opened.followNewest(), [opened, opened.model.version.value]);
  const isNothing = data.fragments.length === 0 && data.tracks.length === 0 && phase !== 'reading' && phase !== 'live';
  return (
    <main>
      {error !== undefined && (
        <p role="alert" class="problem">
          {isNothing ? 'It cannot be read: ' : 'Reading has stopped: '}
          <ShownText text={error} most={1000} />
        </p>
      )}
      {error === undefined && isNothing && (
        <p role="alert" class="problem">
          {bytesRead === 0 ? 'The file is empty.' : 'There is neither a fragment nor a track in it.'}
        </p>
      )}
      {limits.map((text) => (
        <p key={text} class="quiet limit">
          <ShownText text={text} most={500} />
        </p>
      ))}
      {!isNothing && (
        <div class="time">
          <TimeAxis session={opened} />
          <Thumbnails session={opened} />
          <WaveForms session={opened} />
          <Charts session={opened} />
        </div>
      )}
      <div class={isNothing ? 'columns single' : 'columns'}>
        {!isNothing && <PlayerPane session={opened} />}
        <Panes opened={opened} />
      </div>
    </main>
  );
}

function Panes({ opened }: { readonly opened: Session }) {
  const { data, model } = opened;
  const tabs: Tab<PaneName>[] = [
    { key: 'fragments', label: 'Fragments', count: data.fragments.length },
    { key: 'frames', label: 'Frames', count: data.frames.count },
    { key: 'tags', label: 'Tags', count: model.tags.length },
    { key: 'tracks', label: 'Tracks', count: data.tracks.length },
    { key: 'findings', label: 'Findings', count: data.findings.length },
    { key: 'elements', label: 'Elements' },
  ];
  if (opened.source.kind === 'live') tabs.push({ key: 'connection', label: 'Connection', count: data.events.length });
  const panes: Record<PaneName, () => ComponentChildren> = {
    fragments: () => <FragmentsPane session={opened} />,
    frames: () => <FramesPane session={opened} />,
    tags: () => <TagsPane session={opened} />,
    tracks: () => <TracksPane session={opened} />,
    findings: () => <FindingsPane session={opened} />,
    elements: () => <ElementsPane session={opened} />,
    connection: () => <ConnectionPane session={opened} />,
  };
  return (
    <Tabs label="What the stream holds" tabs={tabs} chosen={opened.pane.value} onChoose={(key) => opened.show(key)}>
      {panes[opened.pane.value]()}
    </Tabs>
  );
}
