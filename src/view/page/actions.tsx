import type { ComponentChildren } from 'preact';
import { copyJson } from './files.js';

/** A button for what is chosen: it cannot be pressed while nothing is. */
export function ChosenButton<T>(props: {
  readonly chosen: T | undefined;
  readonly onPress: (chosen: T) => void;
  readonly children: ComponentChildren;
}) {
  const { chosen, onPress } = props;
  return (
    <button type="button" disabled={chosen === undefined} onClick={() => chosen !== undefined && onPress(chosen)}>
      {props.children}
    </button>
  );
}

/** A button that copies a whole table; its values are made when it is pressed. */
export function CopyAllButton({ what, make }: { readonly what: string; readonly make: () => unknown }) {
  return (
    <button type="button" onClick={() => copyJson(what, make())}>
      Copy all as JSON
    </button>
  );
}
