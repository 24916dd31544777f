/** A field of Protocol Buffers: a number, text, bytes, or a message made of fields. */
type Field = readonly [number: number, value: number | string | readonly Field[]];

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

function message(fields: readonly Field[]): number[] {
  return fields.flatMap(([number, value]) => {
    if (typeof value === 'number') return [...varint(number * 8), ...varint(value)];
    const bytes = typeof value === 'string' ? [...new TextEncoder().encode(value)] : message(value);
    return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
  });
}

const FLOAT = 1;
const INTS = 7;

const tensor = (name: string, shape: readonly (number | string)[]): Field[] => {
  const dimensions = shape.map((size): Field => [1, [[typeof size === 'number' ? 1 : 2, size]]]);
  return [
    [1, name],
    [
      2,
      [
        [
          1,
          [
            [1, FLOAT],
            [2, dimensions],
          ],
        ],
      ],
    ],
  ];
};

/**
 * A model in the format of ONNX (onnx.proto) that takes a picture as `pixels` and gives as `means` the mean of each of its colours.
 *
 * @param layout of the picture; `nhwc` is brought into the other order first
 */
export function meansModel(layout: 'nchw' | 'nhwc'): Uint8Array {
  const transpose: Field[] = [
    [1, 'pixels'],
    [2, 'planes'],
    [4, 'Transpose'],
    [5, [[1, 'perm'], ...[0, 3, 1, 2].map((axis): Field => [8, axis]), [20, INTS]]],
  ];
  const pool: Field[] = [
    [1, layout === 'nchw' ? 'pixels' : 'planes'],
    [2, 'means'],
    [4, 'GlobalAveragePool'],
  ];
  const nodes: Field[] =
    layout === 'nchw'
      ? [[1, pool]]
      : [
          [1, transpose],
          [1, pool],
        ];
  const shape = layout === 'nchw' ? [1, 3, 'height', 'width'] : [1, 'height', 'width', 3];
  const graph: Field[] = [...nodes, [2, 'means'], [11, tensor('pixels', shape)], [12, tensor('means', [1, 3, 1, 1])]];
  return Uint8Array.from(
    message([
      [1, 8],
      [7, graph],
      [
        8,
        [
          [1, ''],
          [2, 13],
        ],
      ],
    ]),
  );
}
