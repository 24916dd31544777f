/** Characters that a reader does not see or that change how others are shown: controls, formats, bidi, private use, variation. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** A part of a text of the stream: as it stands, or the name of a character that has no picture of its own. */
export interface TextPart {
  readonly text: string;
  /** Whether `text` names a character (`U+202E`) rather than being one. */
  readonly named: boolean;
  /** Where it begins in the text. */
  readonly at: number;
}

/** How many combining marks may stand on one character: a pile of them would paint over the lines around. */
const MARKS = /(\p{M}{4})\p{M}+/gu;

/** Text of a stream in parts that can be shown as text: nothing of it is hidden, and nothing of it moves what stands around it. */
export function textParts(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let at = 0;
  const plain = (end: number) => {
    if (end > at) parts.push({ text: text.slice(at, end).replace(MARKS, '$1…'), named: false, at });
  };
  for (const match of text.matchAll(UNSEEN)) {
    plain(match.index);
    parts.push({ text: nameOf(match[0]), named: true, at: match.index });
    at = match.index + match[0].length;
  }
  plain(text.length);
  return parts;
}

/** The same as one string, where no marking can be shown: in a title, a file name, the label of a canvas. */
export function visibleText(text: string): string {
  return textParts(text)
    .map((part) => (part.named ? `⟨${part.text}⟩` : part.text))
    .join('');
}

const NAMES = new Map([
  ['\0', 'NUL'],
  ['\t', 'TAB'],
  ['\n', 'LF'],
  ['\r', 'CR'],
  ['\x1b', 'ESC'],
]);

function nameOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return NAMES.get(character) ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The first characters of a text, never half of one. */
export function cutText(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? length - 1 : length);
}
