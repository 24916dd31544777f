import type { ComponentChildren } from 'preact';
import { takeKey } from './keys.js';

/** A pane of several, of which one is shown. */
export interface Tab<K extends string> {
  readonly key: K;
  readonly label: string;
  /** How many things there are in it. */
  readonly count?: number | undefined;
}

/** Tabs and the pane of the one that is chosen: arrows go from tab to tab. */
export function Tabs<K extends string>(props: {
  readonly label: string;
  readonly tabs: readonly Tab<K>[];
  readonly chosen: K;
  readonly onChoose: (key: K) => void;
  readonly children: ComponentChildren;
}) {
  const { tabs, chosen, onChoose } = props;
  const onKeyDown = (event: KeyboardEvent) => {
    const at = tabs.findIndex(({ key }) => key === chosen);
    const goTo = (place: number) => {
      const next = tabs.at(place % tabs.length);
      if (next === undefined) return;
      onChoose(next.key);
      document.getElementById(`tab-${next.key}`)?.focus();
    };
    takeKey(event, {
      ArrowRight: () => goTo(at + 1),
      ArrowLeft: () => goTo(at - 1),
      Home: () => goTo(0),
      End: () => goTo(-1),
    });
  };
  return (
    <div class="tabs">
      <div role="tablist" aria-label={props.label} onKeyDown={onKeyDown}>
        {tabs.map(({ key, label, count }) => (
          <button
            type="button"
            role="tab"
            key={key}
            id={`tab-${key}`}
            aria-selected={key === chosen}
            aria-controls={key === chosen ? `pane-${key}` : undefined}
            tabIndex={key === chosen ? 0 : -1}
            onClick={() => onChoose(key)}
          >
            {label}
            {count !== undefined && <span class="count"> {count.toLocaleString('en')}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`pane-${chosen}`} aria-labelledby={`tab-${chosen}`} class="pane">
        {props.children}
      </div>
    </div>
  );
}
