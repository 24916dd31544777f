import { useState } from 'preact/hooks';
import { messageOf } from './session.js';
import { cutText, textParts } from './visible-text.js';

/** So much more of a long text is shown at a time, in characters. */
const STEP = 16_384;

/** Text of the stream: as text whatever it holds, with the characters named that have no picture. */
export function ShownText({ text, most = 200 }: { readonly text: string; readonly most?: number }) {
  const cut = cutText(text, most);
  return (
    <bdi class="stream-text">
      {textParts(cut).map((part) =>
        part.named ? (
          <span class="named-character" key={part.at}>
            {part.text}
          </span>
        ) : (
          part.text
        ),
      )}
      {cut.length < text.length && '…'}
    </bdi>
  );
}

/** The same for a text of any length: the beginning, and a way to see more. */
export function LongText(props: {
  readonly text: string;
  /** How long the whole is, where `text` is only its beginning. */
  readonly length?: number | undefined;
  /** Gets the whole. */
  readonly load?: (() => Promise<string>) | undefined;
}) {
  const [most, setMost] = useState(2000);
  const [whole, setWhole] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const text = whole ?? props.text;
  const length = Math.max(text.length, props.length ?? 0);
  const more = async () => {
    const next = most + STEP;
    if (next > text.length && text.length < length && props.load !== undefined) {
      try {
        setWhole(await props.load());
      } catch (error) {
        setProblem(messageOf(error));
        return;
      }
    }
    setMost(next);
  };
  return (
    <div class="long-text">
      <ShownText text={text} most={most} />
      {most < length && (
        <p>
          <button type="button" onClick={more}>
            Show more
          </button>{' '}
          {Math.min(most, text.length).toLocaleString('en')} of {length.toLocaleString('en')} characters are shown.
        </p>
      )}
      {problem !== undefined && (
        <p role="alert">
          <ShownText text={problem} />
        </p>
      )}
    </div>
  );
}
